"""Ranges of the past: the calendars of the sources, and the jobs that take a range in again.

`definitions` has them, too. By itself this is the second code location of the production profile (docs/operations.md): ranges are taken in by a
process of their own while the daily run goes on. It has no schedule and no sensor, those of the first location see its runs. Of the home it
writes archive and lake, which any number of runs may; it never loads, builds or publishes.
"""

import dagster as dg

from orchestration.assets.arrivals import arrivals_asset
from orchestration.assets.partitions import DAY_SOURCES, MONTH_SOURCES
from orchestration.automation.jobs import arrivals_by_day, arrivals_by_month
from orchestration.resources import Home, Intake

ARRIVALS = [arrivals_asset(source) for source in (*DAY_SOURCES, *MONTH_SOURCES)]
JOBS = [arrivals_by_day, arrivals_by_month]

defs = dg.Definitions(
    assets=ARRIVALS,
    jobs=JOBS,
    resources={"home": Home(), "intake": Intake(), "io_manager": dg.mem_io_manager},
    executor=dg.in_process_executor,
)
