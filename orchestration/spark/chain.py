"""The whole chain on Spark: the lake registered as raw tables, every model built and tested by dbt on them, each table compared with DuckDB's."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from ingest.settings import Settings
from orchestration.spark.compare import difference
from orchestration.spark.engine import SMALL, SparkError, compiled, configured, dbt_command, locations, quiet, refuse_open_metastore, relation, run
from orchestration.spark.registered import registration
from orchestration.warehouse.dbt import PRODUCTION
from quality.raw import TABLES

LOOKED_EVERY_S, ENDS_WITHIN_S = 1, 60


@dataclass(frozen=True)
class Chain:
    """What a build on Spark left: dbt's folder, the Parquet of each table and view but staging, dbt's nodes of them, and how each model and test ended."""

    target: Path
    parquet: Mapping[str, str]
    nodes: Mapping[str, Mapping[str, Any]]
    results: Sequence[Mapping[str, Any]]

    def count(self, kind: str) -> int:
        """Count the nodes of a kind (`model`, `test`) that ended well."""
        return sum(row["status"] in ("success", "pass") for row in self.results if row["unique_id"].startswith(f"{kind}."))


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
    errors = run(job, folder)
    found = differences(settings.warehouse, {query["name"]: f"{query['folder']}/*.parquet" for query in queries if not errors[query["name"]]})
    return {name: errors[name] or found[name] for name in errors}


def build(
    settings: Settings,
    folder: Path,
    master: str = "local[2]",
    memory: str = "1g",
    alive: Callable[[], bool] = lambda: True,
    selected: Sequence[str] = (),
) -> Chain:
    """Build and test every model on Spark from the lake, or those that dbt selects; `folder` gets metastore, tables and logs.

    While dbt is at work, `alive` says whether the cluster is. Raises LakeError for a lake that is not whole, SparkError where a statement, a model
    or a test fails or the cluster ends; the next build makes everything anew.
    """
    folder.mkdir(parents=True, exist_ok=True)
    refuse_open_metastore(folder)
    session = {"spark.master": master, "spark.executor.memory": memory, "spark.sql.catalogImplementation": "hive"} | locations(folder)
    place = _place(folder, master, memory)
    nodes = compiled(folder / "dbt", selected, place)
    read = {source.split(".")[-1] for node in nodes.values() for source in node["depends_on"]["nodes"] if source.startswith("source.")}
    run({"settings": session, "schemas": [], "tables": {}, "statements": registration(settings, folder / "raw", read), "queries": []}, folder)
    results = _dbt_build(folder, place, alive, selected)
    made = {relation(node): node for node in nodes.values() if node["schema"] != "staging"}
    parquet = {name: f"{folder / 'warehouse'}/{node['schema']}.db/{node['alias']}/*.parquet" for name, node in made.items()}
    # A table's files are read where they lie; the rows of a view have none.
    views = sorted(name for name, node in made.items() if node["config"]["materialized"] == "view")
    queries = [{"name": name, "sql": f"select * from {name}", "folder": str(folder / "rows" / name)} for name in views]
    errors = run({"settings": session, "schemas": [], "tables": {}, "queries": queries}, folder)
    if failed := [f"{name}: {error}" for name, error in errors.items() if error]:
        raise SparkError(f"Spark could not read its views: {'; '.join(failed)}")
    return Chain(folder / "dbt", parquet | {query["name"]: f"{query['folder']}/*.parquet" for query in queries}, made, results)


def differences(warehouse: Path, parquet: Mapping[str, str]) -> dict[str, str | None]:
    """Give for each table how the rows of its Parquet differ from those in a DuckDB file; None where they do not."""
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        return {name: difference(con, f"select * from {name}", f"select * from read_parquet('{files}')") for name, files in parquet.items()}


def _place(folder: Path, master: str, memory: str) -> dict[str, str]:
    """Give what dbt is told of a cluster and a folder; told otherwise it reads the whole project again."""
    return {
        "ALUMINA_SPARK_MASTER": master,
        "ALUMINA_SPARK_EXECUTOR_MEMORY": memory,
        "ALUMINA_SPARK_WAREHOUSE": str(folder / "warehouse"),
        "ALUMINA_SPARK_METASTORE": str(folder / "metastore"),
        "ALUMINA_SPARK_PARTITIONS": SMALL["spark.sql.shuffle.partitions"],
        "SPARK_CONF_DIR": str(configured(folder)),
    }


def _dbt_build(folder: Path, place: dict[str, str], alive: Callable[[], bool], selected: Sequence[str]) -> list[dict[str, Any]]:
    """Build and test the models and give how each ended; raises SparkError that names those that failed."""
    target, log = folder / "dbt", folder / "dbt.log"
    results = target / "run_results.json"
    results.unlink(missing_ok=True)
    command = dbt_command(target, "build", *PRODUCTION, *(("--select", *selected) if selected else ()))
    with log.open("wb") as words:
        process = subprocess.Popen(command, cwd=folder, env=quiet() | place, stdin=subprocess.DEVNULL, stdout=words, stderr=words)
        try:
            while process.poll() is None:
                if not alive():
                    raise SparkError("no worker of the cluster is left; start it again and build again, nothing was published")
                time.sleep(LOOKED_EVERY_S)
        finally:
            process.terminate()
            try:
                process.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    rows: list[dict[str, Any]] = json.loads(results.read_text(encoding="utf-8"))["results"] if results.is_file() else []
    if process.returncode:
        failed = [f"{row['unique_id'].split('.')[2]}: {_said(row)}" for row in rows if row["status"] in ("error", "fail")]
        raise SparkError(f"dbt could not build the models on Spark: {'; '.join(failed) or f'its words are in {log}'}")
    return rows


def _said(row: Mapping[str, Any]) -> str:
    """Give the line of a failed node's message that says most: dbt's first is a heading."""
    lines = [line.strip() for line in str(row["message"]).splitlines() if line.strip()]
    return lines[1] if len(lines) > 1 and lines[0].endswith(")") else lines[0]
