"""Schema `raw`: the lake's rows in the working warehouse, one asset per table, loaded in one transaction."""

from collections.abc import Iterator

import dagster as dg

from ingest.sources import SOURCES
from orchestration.assets.intake import lake_key
from orchestration.assets.tables import describe
from orchestration.resources import Home
from orchestration.warehouse.dbt import forget_results
from orchestration.warehouse.load import load_raw, write_lock
from quality.raw import TABLES

_FILLED_BY = {table: [lake_key(source.name)] for source in SOURCES for table in source.tables}
_EVERY_SOURCE = [lake_key(source.name) for source in SOURCES]


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            ["raw", name],
            deps=_FILLED_BY.get(name, _EVERY_SOURCE),
            group_name="raw",
            kinds={"duckdb"},
            owners=["team:data-engineering"],
            tags={"layer": "raw"},
            description=table.description,
        )
        for name, table in TABLES.items()
    ],
    name="raw",
)
def raw_tables(context: dg.AssetExecutionContext, home: Home) -> Iterator[dg.MaterializeResult]:
    """Append what is new in the lake; configuration and the fetch log are replaced."""
    settings = home.settings
    with write_lock(settings, f"loading raw (run {context.run.run_id})"):
        forget_results(settings, context.run.run_id)
        load_raw(settings)
        facts, _ = describe(settings, [("raw", name) for name in TABLES])
    for name in TABLES:
        yield dg.MaterializeResult(asset_key=["raw", name], metadata=facts["raw", name])
