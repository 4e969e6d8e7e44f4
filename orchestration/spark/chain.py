"""The whole chain on Spark: the lake registered as raw tables, every model built by dbt on them, each table compared with DuckDB's."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from ingest.settings import Settings
from orchestration.spark.compare import difference
from orchestration.spark.engine import HOUSE, SparkError, compiled, locations, quiet, relation, run
from orchestration.spark.registered import registration
from orchestration.warehouse.dbt import PROJECT
from quality.raw import TABLES


def raw_differences(settings: Settings, folder: Path) -> dict[str, str | None]:
    """Register the lake in a session of its own and give for each raw table how its rows differ from DuckDB's, None where they do not.

    The warehouse holds what was loaded of the same lake. Raises LakeError for a lake that is not whole.
    """
    queries = [{"name": f"raw.{name}", "sql": f"select * from raw.`{name}`", "folder": str(folder / "rows" / name)} for name in TABLES]
    job = {
        "settings": {"spark.master": "local[2]"},
        "schemas": [],
        "tables": {},
        "statements": registration(settings, folder / "raw"),
        "queries": queries,
    }
    return _compared(settings, queries, run(job, folder))


def build(settings: Settings, folder: Path, master: str = "local[2]", memory: str = "1g") -> dict[str, str | None]:
    """Build every model on Spark from the lake and give for each but staging what differs from the home's DuckDB tables.

    `folder` gets metastore, warehouse and logs. Raises LakeError for a lake that is not whole, SparkError where a statement or a model fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    session = {"spark.master": master, "spark.executor.memory": memory, "spark.sql.catalogImplementation": "hive"} | locations(folder)
    nodes = compiled(folder / "dbt")
    run({"settings": session, "schemas": [], "tables": {}, "statements": registration(settings, folder / "raw"), "queries": []}, folder)
    _dbt_run(folder, master, memory)
    wanted = {relation(node) for node in nodes.values() if node["schema"] != "staging"}
    queries = [{"name": name, "sql": f"select * from {name}", "folder": str(folder / "rows" / name)} for name in sorted(wanted)]
    errors = run({"settings": session, "schemas": [], "tables": {}, "queries": queries}, folder)
    return _compared(settings, queries, errors)


def _compared(settings: Settings, queries: Sequence[Mapping[str, str]], errors: Mapping[str, str | None]) -> dict[str, str | None]:
    """Give for each query Spark's error, or how the rows in its folder differ from the table of its name in the home's warehouse."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        return {
            query["name"]: errors[query["name"]]
            or difference(con, f"select * from {query['name']}", f"select * from read_parquet('{query['folder']}/*.parquet')")
            for query in queries
        }


def _dbt_run(folder: Path, master: str, memory: str) -> None:
    """Build the models; raises SparkError that names those that failed."""
    target = folder / "dbt"
    place = {
        "ALUMINA_SPARK_MASTER": master,
        "ALUMINA_SPARK_EXECUTOR_MEMORY": memory,
        "ALUMINA_SPARK_WAREHOUSE": str(folder / "warehouse"),
        "ALUMINA_SPARK_METASTORE": str(folder / "metastore"),
    }
    command = [str(HOUSE / "bin" / "dbt"), "run", "--quiet", "--target", "spark", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    command += ["--target-path", str(target), "--log-path", str(target / "logs")]
    done = subprocess.run(command, cwd=folder, env=quiet() | place, capture_output=True, text=True, check=False)
    if done.returncode:
        results = target / "run_results.json"
        rows = json.loads(results.read_text(encoding="utf-8"))["results"] if results.is_file() else []
        failed = [f"{row['unique_id'].split('.')[-1]}: {str(row['message']).splitlines()[0]}" for row in rows if row["status"] == "error"]
        raise SparkError(f"dbt could not build the models on Spark: {'; '.join(failed) or (done.stdout + done.stderr)[-1000:]}")
