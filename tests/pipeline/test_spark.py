"""The models on Spark make DuckDB's rows, and what makes other rows is seen; what ends in the middle is told in one sentence and heals.

Skips where there is no Java or no `.venv-spark`. `make spark` does the same with every model on the whole sample; here a few models stand for
them, every macro of the dialect among what they are made with.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import duckdb
import pytest

from ingest.settings import Settings
from orchestration.spark import chain, cluster
from orchestration.spark.engine import HOUSE, SparkError, lacking, quiet
from orchestration.spark.identity import Question, answered, differences
from orchestration.warehouse.dbt import PROJECT
from quality.raw import TABLES
from tests.lint_spark import covering, models
from tests.pipeline.conftest import Built

pytestmark = [pytest.mark.full, pytest.mark.skipif(lacking() is not None, reason=f"Spark: {lacking()}")]

at_length = pytest.mark.skipif(os.environ.get("ALUMINA_TEST_SPARK") != "all", reason="takes minutes; ALUMINA_TEST_SPARK=all runs it")

ROWS = """create table t.rows as select * from (values
    (date '2025-07-16', 'b', 1.5::double, 3::bigint), (date '2025-07-17', 'a', null, 1), (date '2025-07-18', 'c', 0.5, 2)) as r (day, name, figure, number)"""
MIDNIGHT = "timezone('Asia/Shanghai', cast(day as timestamp))"
# DuckDB's SQL, Spark's that makes the same rows, Spark's that does not, and what is told of it.
PLANTED = {
    "decimal_ratio": (
        "select avg(case when number > 1 then 1.0 else 0.0 end) as share from t.rows",
        "select avg(cast(case when number > 1 then 1.0 else 0.0 end as double)) as share from t.rows",
        "select avg(case when number > 1 then 1.0 else 0.0 end) as share from t.rows",
        "types differ: share is DECIMAL",
    ),
    "rounded_ratio": (
        "select avg(case when number > 1 then 1.0 else 0.0 end) as share from t.rows",
        "select avg(cast(case when number > 1 then 1.0 else 0.0 end as double)) as share from t.rows",
        "select cast(avg(case when number > 1 then 1.0 else 0.0 end) as double) as share from t.rows",
        "share differs in 1 rows",
    ),
    "session_zone": (
        f"select name, {MIDNIGHT} as at from t.rows",
        "select name, timestamp_seconds((cast(unix_date(day) as bigint) * 1440 - 480) * 60) as at from t.rows",
        "select name, to_utc_timestamp(cast(day as timestamp), 'Asia/Shanghai') as at from t.rows",
        "3 rows are missing; 3 rows are not to be there",
    ),
    "null_order": (
        "select name, row_number() over (order by figure nulls first) as place from t.rows",
        "select name, cast(row_number() over (order by figure) as bigint) as place from t.rows",
        "select name, cast(row_number() over (order by figure nulls last) as bigint) as place from t.rows",
        "3 rows are missing; 3 rows are not to be there",
    ),
    "unordered_aggregate": (
        "select string_agg(name, ';' order by number) as names from t.rows",
        "select listagg(name, ';') within group (order by number) as names from t.rows",
        "select listagg(name, ';') as names from t.rows",
        "1 rows are missing; 1 rows are not to be there",
    ),
}


def test_each_planted_difference_is_seen_and_its_portable_form_is_none(tmp_path: Path) -> None:
    questions, told = [], {}
    with duckdb.connect() as con:
        con.execute("create schema t")
        con.execute(ROWS)
        for name, (expected, portable, planted, reason) in PLANTED.items():
            for kind, sql, answer in (("portable", portable, None), ("planted", planted, reason)):
                con.execute(f"create table t.{name}_{kind} as {expected}")
                questions.append(Question(f"t.{name}_{kind}", sql, ("t.rows",)))
                told[f"t.{name}_{kind}"] = answer
        found = answered(con, questions, tmp_path, {"spark.sql.session.timeZone": "Asia/Tokyo"})
    assert {name: found[name] for name in told if told[name] is None} == {name: None for name in told if told[name] is None}
    assert [name for name, reason in told.items() if reason and not (found[name] or "").startswith(reason)] == []


@at_length
def test_the_lake_as_spark_is_shown_it_is_duckdbs_raw(sixty_sessions: Built, tmp_path: Path) -> None:
    found = chain.raw_differences(Settings(home=sixty_sessions.home), tmp_path)
    assert found.keys() == {f"raw.{name}" for name in TABLES}
    assert {name: difference for name, difference in found.items() if difference} == {}


def test_models_with_every_macro_of_the_dialect_make_the_rows_of_duckdb_each_alone(sixty_sessions: Built, tmp_path: Path) -> None:
    some = covering(models())
    found = differences(sixty_sessions.home / "warehouse.duckdb", tmp_path, some)
    assert sorted(name.split(".")[1] for name in found) == sorted(some)
    assert {name: difference for name, difference in found.items() if difference} == {}


SHORT = ("+fct_futures_session", "+fct_trade_balance_monthly", "+dim_product")
"""Two marts and a view of the desk, with all they stand on."""


class Middle:
    """Does something once, when dbt has built its first table; then says whether the cluster is alive."""

    def __init__(self, there: cluster.Cluster, folder: Path) -> None:
        self.there, self.folder, self.done = there, folder, False

    def act(self) -> None:
        for process in self.there.processes[1:]:
            os.killpg(process.pid, signal.SIGKILL)

    def __call__(self) -> bool:
        if not self.done and "OK created sql table" in (self.folder / "dbt.log").read_text(encoding="utf-8"):
            self.done = True
            self.act()
        return self.there.has_workers()


class OneWorkerAndAnotherBuild(Middle):
    """One worker is killed, its executor with it, and a second build asks for the metastore that dbt has open."""

    said = ""

    def act(self) -> None:
        os.killpg(self.there.processes[1].pid, signal.SIGKILL)
        try:
            chain.build(Settings(home=self.folder), self.folder)
        except SparkError as error:
            self.said = str(error)


def test_a_short_chain_goes_on_with_one_of_two_workers(sixty_sessions: Built, tmp_path: Path) -> None:
    settings, folder = Settings(home=sixty_sessions.home), tmp_path / "chain"
    with cluster.started(tmp_path / "cluster", memory="512m") as there:
        one_dies = OneWorkerAndAnotherBuild(there, folder)
        alike(settings, chain.build(settings, folder, there.master, "512m", one_dies, SHORT))
    assert one_dies.said == f"the metastore in {folder} is open in another program; let that end, or build in another folder"


@at_length
def test_a_short_chain_heals_after_its_workers_died(sixty_sessions: Built, tmp_path: Path) -> None:
    settings, folder = Settings(home=sixty_sessions.home), tmp_path / "chain"
    with cluster.started(tmp_path / "cluster", memory="512m") as there:
        all_die = Middle(there, folder)
        with pytest.raises(SparkError, match="no worker of the cluster is left"):
            chain.build(settings, folder, there.master, "512m", all_die, SHORT)
        assert all_die.done
    with cluster.started(tmp_path / "cluster", memory="512m") as there:
        alike(settings, chain.build(settings, folder, there.master, "512m", selected=SHORT))


def alike(settings: Settings, built: chain.Chain) -> None:
    assert built.count("model") > 20 and built.count("test") > 3
    assert len(built.parquet) > 10
    assert {name: told for name, told in chain.differences(settings.warehouse, built.parquet).items() if told} == {}


KEYED = """
models:
  - {name: whole, config: {meta: {key: [a, b]}}}
  - {name: twice, config: {meta: {key: [a, b]}}}
  - {name: "null", config: {meta: {key: [a, b]}}}
"""


def test_a_model_that_breaks_its_key_fails_on_spark_as_on_duckdb(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "dbt_project.yml").write_text('name: alumina\nversion: "1.0"\nconfig-version: 2\nprofile: alumina\nmacro-paths: [materializations]\n')
    shutil.copytree(PROJECT / "materializations", project / "materializations")
    (project / "models" / "keyed.yml").write_text(KEYED)
    rows = {"whole": "(1, 'x'), (1, 'y')", "twice": "(2, 'x'), (2, 'y'), (2, 'x')", "null": "(3, 'x'), (3, null)"}
    for kind, (name, values) in zip(("table", "table", "view"), rows.items(), strict=True):
        (project / "models" / f"{name}.sql").write_text(f"{{{{ config(materialized='{kind}') }}}} select * from values {values} as t (a, b)")
    places = {"ALUMINA_SPARK_WAREHOUSE": str(tmp_path / "warehouse"), "ALUMINA_SPARK_METASTORE": str(tmp_path / "metastore")}
    command = [str(HOUSE / "bin" / "dbt"), "run", "--target", "spark", "--project-dir", str(project), "--profiles-dir", str(PROJECT)]
    done = subprocess.run(command, cwd=tmp_path, env=quiet() | places, capture_output=True, text=True, check=False)
    assert "PASS=1 WARN=0 ERROR=2" in done.stdout, done.stdout + done.stderr
    assert 'the key (a, b) of main.twice is null or names several rows for 1 of its values, such as {"a":2,"b":"x"}' in done.stdout
    assert 'the key (a, b) of main.null is null or names several rows for 1 of its values, such as {"a":3}' in done.stdout
