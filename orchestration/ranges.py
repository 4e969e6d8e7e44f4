"""A code location for ranges of the past alone, beside `definitions`: taken in by a process of their own while the daily run goes on.

Its assets are the calendars of the sources that `definitions` has, too, so what it takes in is marked there. It has no schedule and no sensor:
those of `definitions` see its runs. Of the home it writes archive and lake, which any number of runs may; it never loads, builds or publishes.
"""

import dagster as dg

from orchestration.assets.arrivals import arrivals_asset
from orchestration.assets.partitions import DAY_SOURCES, MONTH_SOURCES
from orchestration.automation.jobs import arrivals_by_day, arrivals_by_month
from orchestration.resources import Home, Intake

defs = dg.Definitions(
    assets=[arrivals_asset(source) for source in (*DAY_SOURCES, *MONTH_SOURCES)],
    jobs=[arrivals_by_day, arrivals_by_month],
    resources={"home": Home(), "intake": Intake(), "io_manager": dg.mem_io_manager},
    executor=dg.in_process_executor,
)
