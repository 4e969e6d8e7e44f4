"""The models on Spark make DuckDB's rows, and what makes other rows is seen. Skips where there is no Java or no `.venv-spark`."""

from pathlib import Path

import duckdb
import pytest

from ingest.settings import Settings
from orchestration.spark.chain import raw_differences
from orchestration.spark.engine import lacking
from orchestration.spark.identity import Question, answered, differences
from quality.raw import TABLES
from tests.pipeline.conftest import Built

pytestmark = [pytest.mark.full, pytest.mark.skipif(lacking() is not None, reason=f"Spark: {lacking()}")]

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


def test_the_lake_as_spark_is_shown_it_is_duckdbs_raw(sixty_sessions: Built, tmp_path: Path) -> None:
    found = raw_differences(Settings(home=sixty_sessions.home), tmp_path)
    assert found.keys() == {f"raw.{name}" for name in TABLES}
    assert {name: difference for name, difference in found.items() if difference} == {}


def test_each_model_alone_makes_the_rows_of_duckdb(sixty_sessions: Built, tmp_path: Path) -> None:
    found = differences(sixty_sessions.home / "warehouse.duckdb", tmp_path)
    assert len(found) > 100
    assert {name: difference for name, difference in found.items() if difference} == {}
