"""The jobs people press: one that does the whole day, two that take a range of the past in again."""

import dagster as dg

from orchestration.assets.arrivals import arrivals_key
from orchestration.partitions import DAY_SOURCES, MONTH_SOURCES

_ARRIVALS = dg.AssetSelection.groups("arrivals")

daily = dg.define_asset_job(
    name="daily",
    selection=dg.AssetSelection.all() - _ARRIVALS,
    description="Take everything in, build and test every model, publish. Running it again changes nothing but the log of attempts.",
    # One process: a step of its own for each asset costs three times the whole run.
    executor_def=dg.in_process_executor,
)

# Ranges of days, and of months, taken in again; each in one run. Publish afterwards with `daily`.
arrivals_by_day = dg.define_asset_job(
    name="arrivals_by_day",
    selection=dg.AssetSelection.assets(*(arrivals_key(source.name) for source in DAY_SOURCES)),
    description="Take a range of calendar days in again, in one run. Changes nothing where the archive holds the same bytes.",
    executor_def=dg.in_process_executor,
)
arrivals_by_month = dg.define_asset_job(
    name="arrivals_by_month",
    selection=dg.AssetSelection.assets(*(arrivals_key(source.name) for source in MONTH_SOURCES)),
    description="Take a range of months in again, in one run: UN Comtrade is asked, customs exports come from the inbox.",
    executor_def=dg.in_process_executor,
)
