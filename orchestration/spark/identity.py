"""Each model alone on DuckDB's tables: Spark is given what DuckDB's model stood on, and must make the same rows of it.

A model that differs is named itself, not those that stand on it. The whole chain is another question.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import duckdb

from orchestration.spark.compare import difference
from orchestration.spark.engine import compiled, relation, run

Change = Callable[[str, str], str]
"""Makes another SQL of a model's (name, SQL); tests plant differences with it."""


def differences(
    warehouse: Path, folder: Path, *, only: Iterable[str] = (), change: Change | None = None, settings: Mapping[str, str] | None = None
) -> dict[str, str | None]:
    """Give for each model what differs, None where nothing does; all models that are written by hand, or only those named.

    `warehouse` is a DuckDB file with every model built, opened to read; `folder` gets Parquet of both sides. Raises SparkError where Spark or dbt
    cannot be run at all.
    """
    nodes = compiled(folder / "dbt")
    wanted = {key: node for key, node in nodes.items() if node["schema"] != "staging" and (not only or node["name"] in set(only))}
    # Staging is the raw table under another name: whole chains begin with it, here it is where rows come from.
    needed = {up for node in wanted.values() for up in node["depends_on"]["nodes"]}
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        upstream = {relation(nodes[key]): _export(con, relation(nodes[key]), folder / "duckdb") for key in sorted(needed)}
        queries = [
            {
                "name": relation(node),
                "sql": change(node["name"], node["compiled_code"]) if change else node["compiled_code"],
                "folder": str(folder / "spark" / relation(node)),
            }
            for node in wanted.values()
        ]
        schemas = sorted({name.split(".")[0] for name in upstream})
        tables = {name: str(path) for name, path in upstream.items()}
        errors = run(
            {"settings": {"spark.master": "local[2]"} | dict(settings or {}), "schemas": schemas, "tables": tables, "queries": queries}, folder
        )
        return {
            query["name"]: errors[query["name"]]
            or difference(con, f"select * from {query['name']}", f"select * from read_parquet('{query['folder']}/*.parquet')")
            for query in queries
        }


def _export(con: duckdb.DuckDBPyConnection, table: str, folder: Path) -> Path:
    """Write a table's rows as Parquet below a folder of its own."""
    path = folder / table
    path.mkdir(parents=True, exist_ok=True)
    con.execute(f"copy (select * from {table}) to '{path / 'rows.parquet'}' (format parquet)")
    return path
