"""The jobs people press: the whole day, a range of the past again, the fit of the forecast, what was known at a past time, which release people read, and tidying up."""

from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg
from pydantic import Field

from ingest.lake import LakeError
from ingest.source import HomeError
from orchestration.assets.arrivals import arrivals_key
from orchestration.assets.forecast import GROUP
from orchestration.assets.partitions import DAY_SOURCES, MONTH_SOURCES
from orchestration.home import releases
from orchestration.home.tidy import tidy
from orchestration.resources import Home
from orchestration.warehouse.as_of import AsOfError, build_as_of, moment
from orchestration.warehouse.load import WarehouseError

_ARRIVALS = dg.AssetSelection.groups("arrivals")
_FORECAST = dg.AssetSelection.groups(GROUP)
WRITER, RANGE = {"alumina/writer": "true"}, {"alumina/range": "true"}
"""Tags of jobs that take the lock of the home, and of those that take a range in; a queue has a limit for each (`orchestration/deploy/dagster.yaml`)."""

daily = dg.define_asset_job(
    name="daily",
    selection=dg.AssetSelection.all() - _ARRIVALS - _FORECAST,
    description="Take everything in, build and test every model, publish. Running it again changes nothing but the fetch log.",
    # One process: a step of its own for each asset costs three times the whole run.
    executor_def=dg.in_process_executor,
    tags=WRITER,
)

fit_forecast = dg.define_asset_job(
    name="fit_forecast",
    selection=_FORECAST,
    description="Fit the forecast anew from the panel; the next `daily` applies it. Once a quarter, and after a backfill.",
    executor_def=dg.in_process_executor,
    tags=WRITER,
)

# Ranges of days, and of months, taken in again; each in one run. Publish afterwards with `daily`.
arrivals_by_day = dg.define_asset_job(
    name="arrivals_by_day",
    selection=dg.AssetSelection.assets(*(arrivals_key(source.name) for source in DAY_SOURCES)),
    description="Take a range of calendar days in again, in one run. Changes nothing where the archive holds the same bytes.",
    executor_def=dg.in_process_executor,
    tags=RANGE,
)
arrivals_by_month = dg.define_asset_job(
    name="arrivals_by_month",
    selection=dg.AssetSelection.assets(*(arrivals_key(source.name) for source in MONTH_SOURCES)),
    description="Take a range of months in again, in one run: UN Comtrade is asked, customs exports come from the inbox.",
    executor_def=dg.in_process_executor,
    tags=RANGE,
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


class Why(dg.Config):
    """Why somebody decides which release people read."""

    reason: str = Field(description="Why, for who reads it later.")


def _decided(context: dg.OpExecutionContext, decide: Callable[[], str]) -> None:
    try:
        context.add_output_metadata({"serving": decide()})
    except HomeError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


@dg.op(name="rollback_op", description="Serve the release before the current one, and hold people there.")
def rollback_op(context: dg.OpExecutionContext, config: Why, home: Home) -> None:
    """Go back."""
    _decided(context, lambda: releases.go_back(home.settings, config.reason, context.run.run_id))


@dg.op(name="hold_op", description="Hold people at the release they read.")
def hold_op(context: dg.OpExecutionContext, config: Why, home: Home) -> None:
    """Hold."""
    _decided(context, lambda: releases.hold(home.settings, config.reason, context.run.run_id))


@dg.op(name="let_go_op", description="Serve the newest release that waits.")
def let_go_op(context: dg.OpExecutionContext, home: Home) -> None:
    """Let go."""
    _decided(context, lambda: releases.let_go(home.settings, context.run.run_id))


@dg.job(name="rollback", description="Serve the release before the current one; newer ones wait until let_go.", executor_def=dg.in_process_executor)
def rollback_job() -> None:
    """Go back."""
    rollback_op()


@dg.job(name="hold", description="Hold people at the release they read; newer ones wait until let_go.", executor_def=dg.in_process_executor)
def hold_job() -> None:
    """Hold."""
    hold_op()


@dg.job(name="let_go", description="Serve the newest release that waits, and what is published from now on.", executor_def=dg.in_process_executor)
def let_go_job() -> None:
    """Let go."""
    let_go_op()


@dg.op(name="tidy_op", description="Delete what `retention.toml` does not keep, and make the working warehouse smaller where it has grown.")
def tidy_op(context: dg.OpExecutionContext, home: Home) -> None:
    """Tidy up, and say what went."""
    try:
        done = tidy(home.settings, context.instance, datetime.now(UTC))
    except (HomeError, ValueError) as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    context.log.info(str(done))
    context.add_output_metadata({"deleted": str(done), "bytes_freed": done.bytes_freed})


@dg.job(
    name="tidy",
    description="Delete what `retention.toml` does not keep: old runs, their events and logs. Data stays.",
    executor_def=dg.in_process_executor,
    tags=WRITER,
)
def tidy_job() -> None:
    """Tidy up."""
    tidy_op()
