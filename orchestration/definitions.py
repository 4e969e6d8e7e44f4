"""What Dagster loads: all assets, jobs and resources, put together in one place.

Loading opens no file of the home and no connection, and imports neither Great Expectations nor pandas nor dbt.
"""

from typing import Any

import dagster as dg

from ingest.sources import SOURCES
from orchestration.assets.forecast import outlook_model
from orchestration.assets.freshness import arrived_in_time, published_in_time
from orchestration.assets.intake import lake_asset
from orchestration.assets.models import dbt_models
from orchestration.assets.preflight import preflight
from orchestration.assets.publication import release_asset
from orchestration.assets.raw_tables import raw_tables
from orchestration.automation.jobs import (
    as_of_job,
    daily,
    fit_forecast,
    hold_job,
    let_go_job,
    rollback_job,
    tidy_job,
)
from orchestration.automation.schedules import SCHEDULES
from orchestration.automation.sensors import SENSORS
from orchestration.ranges import ARRIVALS, JOBS
from orchestration.resources import Home, Intake
from orchestration.warehouse.dbt import resource
from serving.publish.keys import SCHEMAS


def build_defs(*, ranges: bool = True, **overrides: Any) -> dg.Definitions:
    """Put the code location together, without what `ranges` has if told so; `overrides` replace resources by name (home, intake, dbt)."""
    published = [key for key in dbt_models.keys if key.path[0] in SCHEMAS]
    return dg.Definitions(
        assets=[
            preflight,
            *(ARRIVALS if ranges else ()),
            *(lake_asset(source) for source in SOURCES),
            raw_tables,
            dbt_models,
            outlook_model,
            release_asset(published),
        ],
        asset_checks=[published_in_time, arrived_in_time],
        schedules=SCHEDULES,
        sensors=SENSORS,
        jobs=[daily, fit_forecast, *(JOBS if ranges else ()), as_of_job, rollback_job, hold_job, let_go_job, tidy_job],
        # No asset hands anything over through an I/O manager; Dagster's default one would write where the run's configuration says.
        resources={"home": Home(), "intake": Intake(), "dbt": resource(), "io_manager": dg.mem_io_manager} | overrides,
        executor=dg.in_process_executor,
    )


defs = build_defs()
