"""What Dagster loads: all assets, jobs and resources, put together in one place.

Loading opens no file of the home and no connection, and imports neither Great Expectations nor pandas.
"""

from typing import Any

import dagster as dg

from ingest.sources import SOURCES
from orchestration.as_of import as_of_job
from orchestration.assets.lake import lake_asset
from orchestration.assets.models import dbt_models
from orchestration.assets.raw import raw_tables
from orchestration.assets.release import release_asset
from orchestration.dbt import resource
from orchestration.jobs import daily
from orchestration.resources import Home, Intake
from serving.release import SCHEMAS


def build_defs(**overrides: Any) -> dg.Definitions:
    """Put the code location together; `overrides` replace resources by name (home, intake, dbt)."""
    published = [key for key in dbt_models.keys if key.path[0] in SCHEMAS]
    return dg.Definitions(
        assets=[*(lake_asset(source) for source in SOURCES), raw_tables, dbt_models, release_asset(published)],
        jobs=[daily, as_of_job],
        resources={"home": Home(), "intake": Intake(), "dbt": resource()} | overrides,
        executor=dg.in_process_executor,
    )


defs = build_defs()
