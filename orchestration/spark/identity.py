"""Each model alone on DuckDB's tables: Spark is given what DuckDB's model stood on, and must make the same rows of it.

A model that differs is named itself, not those that stand on it. The whole chain is another question (`chain.py`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.spark.compare import difference
from orchestration.spark.engine import compiled, relation, run

TYPES = {"VARCHAR": "string", "TIMESTAMP WITH TIME ZONE": "timestamp", "TIMESTAMP": "timestamp_ntz", "INTEGER": "int"}
"""Types of DuckDB that Spark calls otherwise."""


@dataclass(frozen=True)
class Question:
    """A table of DuckDB, the SQL by which Spark is to make the same, and the tables that SQL reads."""

    table: str
    sql: str
    reads: tuple[str, ...]


def differences(warehouse: Path, folder: Path, only: Collection[str] = ()) -> dict[str, str | None]:
    """Give for each model that is written by hand, or for those named, how its rows on Spark differ; None where they do not.

    `warehouse` is a DuckDB file with every model built; `folder` gets Parquet of both sides. Raises SparkError where Spark or dbt cannot be run at all.
    """
    nodes = compiled(folder / "dbt")
    # Staging is the raw table under another name: the whole chain begins with it, here it is where rows come from.
    wanted = [node for node in nodes.values() if node["schema"] != "staging" and (not only or node["name"] in only)]
    questions = [
        Question(relation(node), node["compiled_code"], tuple(relation(nodes[up]) for up in node["depends_on"]["nodes"] if up in nodes))
        for node in wanted
    ]
    with duckdb.connect(str(warehouse), read_only=True) as con:
        return answered(con, questions, folder)


def answered(
    con: duckdb.DuckDBPyConnection, questions: Sequence[Question], folder: Path, settings: Mapping[str, str] | None = None
) -> dict[str, str | None]:
    """Ask Spark all questions in one session and give what differs for each table, or Spark's error."""
    con.execute("set TimeZone = 'UTC'")
    tables = {name: exported(con, name, folder / "duckdb") for name in sorted({name for question in questions for name in question.reads})}
    queries = [{"name": question.table, "sql": question.sql, "folder": str(folder / "spark" / question.table)} for question in questions]
    job = {
        "settings": {"spark.master": "local[2]", "spark.driver.memory": "1500m"} | dict(settings or {}),
        "schemas": sorted({name.split(".")[0] for name in tables}),
        "tables": tables,
        "queries": queries,
    }
    errors = run(job, folder)
    return {
        query["name"]: errors[query["name"]]
        or difference(con, f"select * from {query['name']}", f"select * from read_parquet('{query['folder']}/*.parquet')")
        for query in queries
    }


def exported(con: duckdb.DuckDBPyConnection, table: str, folder: Path) -> tuple[str, str]:
    """Write a table's rows as Parquet below a folder of its own, and give that with the columns as Spark's DDL."""
    path = folder / table
    path.mkdir(parents=True, exist_ok=True)
    con.execute(f"copy (select * from {table}) to '{path / 'rows.parquet'}' (format parquet)")
    columns = ((name, TYPES[kind] if kind in TYPES else kind.lower()) for name, kind, *_ in con.execute(f"describe {table}").fetchall())
    return str(path), ", ".join(f"`{name}` {kind}" for name, kind in columns)
