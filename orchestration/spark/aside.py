"""A release made of the cluster's tables, beside the home's own: the same gate, the same file, by content the same."""

import shutil
from pathlib import Path

import duckdb

from ingest.settings import Settings
from orchestration.spark.chain import Chain
from orchestration.spark.compare import difference
from orchestration.warehouse import lineage
from orchestration.warehouse.dbt import record_results
from serving.publish.differences import OF_THE_ATTEMPT
from serving.publish.release import Release, publish
from serving.read import FILE_NAME


def published(settings: Settings, chain: Chain, folder: Path) -> Release:
    """Publish what Spark built in a home of its own, a folder that is made anew, and give the release; the home's own is not touched.

    `raw` is what DuckDB loaded of the same lake; every table and view of the models, and what its tests found, is the cluster's. Raises
    PublishRefusedError as `alumina run` does.
    """
    shutil.rmtree(folder, ignore_errors=True)
    apart = Settings(home=folder)
    (apart.workshop / "dbt").mkdir(parents=True)
    for shared in (settings.lake, settings.archive):
        (apart.root / shared.name).symlink_to(shared.resolve())
    shutil.copy(settings.warehouse, apart.warehouse)
    shutil.copy(chain.target / "manifest.json", apart.workshop / "dbt")
    with duckdb.connect(str(apart.warehouse)) as con:
        con.execute("set TimeZone = 'UTC'")
        for schema in sorted({node["schema"] for node in chain.nodes.values()}):
            con.execute(f"drop schema {schema} cascade; create schema {schema}")
        for name, files in chain.parquet.items():
            con.execute(f"create table {name} as select * from read_parquet('{files}')")
            con.execute("comment on table {} is '{}'".format(name, chain.nodes[name]["description"].replace("'", "''")))
    checks = record_results(apart, {"results": list(chain.results)})
    return publish(apart, "spark", checks, lineage.sources(settings))


def differing(settings: Settings, release: Release) -> dict[str, str | None]:
    """Give for each published table, those aside that describe the attempt, how that release differs from the one the home serves."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        for name, folder in (("before", settings.serving), ("after", release.path)):
            con.execute(f"attach '{folder / FILE_NAME}' as {name} (read_only)")
        rows = con.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where database_name in ('before', 'after') group by all order by all"
        ).fetchall()
        tables = [table for (table,) in rows if table not in OF_THE_ATTEMPT]
        return {table: difference(con, f"select * from before.{table}", f"select * from after.{table}") for table in tables}
