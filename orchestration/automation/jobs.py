"""The jobs people press: one does the whole day, one fits the forecast, two take a range of the past in again, one builds what was known at a past time."""

import dagster as dg
from pydantic import Field

from ingest.lake import LakeError
from orchestration.assets.arrivals import arrivals_key
from orchestration.assets.forecast import GROUP
from orchestration.assets.partitions import DAY_SOURCES, MONTH_SOURCES
from orchestration.resources import Home
from orchestration.warehouse.as_of import AsOfError, build_as_of, moment
from orchestration.warehouse.load import WarehouseError

_ARRIVALS = dg.AssetSelection.groups("arrivals")
_FORECAST = dg.AssetSelection.groups(GROUP)

daily = dg.define_asset_job(
    name="daily",
    selection=dg.AssetSelection.all() - _ARRIVALS - _FORECAST,
    description="Take everything in, build and test every model, publish. Running it again changes nothing but the fetch log.",
    # One process: a step of its own for each asset costs three times the whole run.
    executor_def=dg.in_process_executor,
)

fit_forecast = dg.define_asset_job(
    name="fit_forecast",
    selection=_FORECAST,
    description="Fit the forecast anew from the panel; the next `daily` applies it. Once a quarter, and after a backfill.",
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


class AsOfConfig(dg.Config):
    """When to look back to."""

    as_of: str = Field(description='A time such as "2025-07-22 15:05", Asia/Shanghai unless it says otherwise.')


@dg.op(description="Build all models aside, with nothing that became known after the given time.")
def build_as_of_op(context: dg.OpExecutionContext, config: AsOfConfig, home: Home) -> None:
    """Build and say where the warehouse is."""
    try:
        aside = build_as_of(home.settings, moment(config.as_of))
    except (AsOfError, LakeError, WarehouseError, ValueError) as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    context.add_output_metadata({"warehouse": dg.MetadataValue.path(str(aside.warehouse))})


@dg.job(
    name="as_of",
    description="What was known at a past time: all models built aside with a horizon, nothing published.",
    executor_def=dg.in_process_executor,
)
def as_of_job() -> None:
    """Build aside."""
    build_as_of_op()
