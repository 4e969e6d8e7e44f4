"""What there is of Spark on this machine, and how its programs are started: Java, the environment `.venv-spark`, dbt in it."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ingest.settings import REPOSITORY
from ingest.source import HomeError
from orchestration.warehouse.dbt import PROJECT, write_staging

HOUSE = REPOSITORY / ".venv-spark"
DRIVER = Path(__file__).with_name("driver.py")
SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.ansi.enabled": "false",  # as dbt-spark sets it
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
}
SMALL = {
    # Of tables as small as the sample's a query costs its planning, the compilation of its code and its tasks.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "1",
}


class SparkError(HomeError):
    """Spark cannot be had or did not do what it was asked; the message says why and what to do."""


def lacking() -> str | None:
    """Say what is missing for Spark to run here; None where nothing is."""
    if shutil.which("java") is None:
        return "there is no Java (Debian: openjdk-17-jre-headless)"
    if not (HOUSE / ".ready").is_file():
        return "the environment .venv-spark is not there (make .venv-spark/.ready)"
    return None


def compiled(target: Path, selected: Sequence[str] = (), place: Mapping[str, str] = MappingProxyType({})) -> dict[str, dict[str, Any]]:
    """Compile every model for Spark with dbt, or those it selects, and give dbt's nodes by their id; raises SparkError with dbt's words.

    `place` is what a build that follows tells dbt, so that it need not read the project twice.
    """
    write_staging()
    command = dbt_command(target, "compile", "--quiet", "--no-populate-cache", "--no-introspect", "--select", *(selected or ["resource_type:model"]))
    done = subprocess.run(command, cwd=PROJECT, env=quiet() | dict(place), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SparkError(f"dbt cannot compile the models for Spark: {(done.stdout + done.stderr)[-2000:]}")
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    chosen = {row["unique_id"] for row in json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]}
    return {key: node for key, node in nodes.items() if node["resource_type"] == "model" and key in chosen}


def dbt_command(target: Path, *words: str) -> list[str]:
    """Give a command of dbt for Spark; what it writes goes below `target`."""
    places = ["--target", "spark", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    return [str(HOUSE / "bin" / "dbt"), *words, *places, "--target-path", str(target), "--log-path", str(target / "logs")]


def relation(node: Mapping[str, Any]) -> str:
    """Name the table or view of a dbt node."""
    return f"{node['schema']}.{node['alias']}"


def locations(folder: Path) -> dict[str, str]:
    """Give the settings by which metastore and tables lie in a folder."""
    return {
        "spark.driver.extraJavaOptions": f"{SMALL['spark.driver.extraJavaOptions']} -Dderby.system.home={folder}",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder / 'metastore'};create=true",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }


def run(job: Mapping[str, Any], folder: Path) -> dict[str, str | None]:
    """Run a job of `driver.py` and give each query's error, None where it went through; raises SparkError where the session itself failed."""
    settings = SETTINGS | SMALL | {"spark.sql.warehouse.dir": str(folder / "warehouse")} | job["settings"]
    log, answers = folder / "driver.log", folder / "answers.jsonl"
    answers.write_bytes(b"")  # a session that does not begin leaves none
    with log.open("wb") as words:
        command = [str(HOUSE / "bin" / "python"), str(DRIVER), str(answers)]
        text = json.dumps({**job, "settings": settings}).encode()
        done = subprocess.run(command, input=text, cwd=folder, env=quiet(), stdout=words, stderr=words, check=False)
    told = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    if done.returncode:
        raise SparkError(f"Spark ended after {len(told)} of {len(job['queries'])} queries; its words are in {log}")
    return {row["name"]: row["error"] for row in told}


def refuse_open_metastore(folder: Path) -> None:
    """Raise SparkError where another program has the metastore of a folder open: Spark itself would try for a minute and write a book about it."""
    held = folder / "metastore" / "dbex.lck"  # what Derby locks
    if held.is_file():
        with held.open("r+b") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise SparkError(f"the metastore in {folder} is open in another program; let that end, or build in another folder") from None


def configured(folder: Path) -> Path:
    """Write what every session of a folder is set to where Spark looks for it, and give that place: dbt takes no such settings for its own."""
    place = folder / "conf"
    place.mkdir(exist_ok=True)
    lines = "".join(f"{name} {value}\n" for name, value in (SETTINGS | SMALL | locations(folder)).items())
    (place / "spark-defaults.conf").write_text(lines, encoding="utf-8")
    return place


def quiet() -> dict[str, str]:
    """Give the environment of Spark's programs: nothing is reported, and Python is the one of `.venv-spark`."""
    return {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1", "PYSPARK_PYTHON": str(HOUSE / "bin" / "python")}
