"""`alumina run --as-of`: what was known at a past time, by the command, on the whole sample; nothing is published."""

import subprocess
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.settings import Settings
from ingest.source import SHANGHAI
from orchestration.as_of import moment
from serving.release import PublishRefusedError, publish
from tests.pipeline.conftest import Built, alumina

AS_OF = "2025-07-22 15:05"
JULY_21, JULY_22 = date(2025, 7, 21), date(2025, 7, 22)


@pytest.fixture(scope="module")
def past(sample: Built) -> tuple[subprocess.CompletedProcess[str], Callable[[str], list[tuple[Any, ...]]]]:
    """The run as of five past three on the day of the note, and a way to query what it built."""
    before = (sample.home / "serving").resolve()
    done = alumina(sample.home, "run", "--as-of", AS_OF)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (sample.home / "serving").resolve() == before
    warehouse = Settings(home=sample.home, as_of=moment(AS_OF)).warehouse

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(warehouse), read_only=True) as con:
            con.execute("set TimeZone = 'Asia/Shanghai'")
            return con.execute(sql).fetchall()

    return done, ask


def test_it_says_where_and_that_nothing_is_published(past: Any, sample: Built) -> None:
    done, _ = past
    assert "not published" in done.stdout
    assert str(Settings(home=sample.home, as_of=moment(AS_OF)).warehouse) in done.stdout.replace("\n", "")


@pytest.mark.parametrize(
    ("table", "day", "newest"),
    [
        # Quotes settle after 15:15 and receipts come after 16:30; spot of the day was printed before noon.
        ("fct_futures_daily", "trade_date", JULY_21),
        ("fct_receipts_daily", "trade_date", JULY_21),
        ("fct_spot_daily", "trade_date", JULY_22),
    ],
)
def test_the_newest_fact_is_the_one_known_at_that_minute(past: Any, table: str, day: str, newest: date) -> None:
    _, ask = past
    assert ask(f"select max({day}) from marts.{table} where commodity_code = 'AO'") == [(newest,)]
    assert ask(f"select count(*) from marts.{table} where available_at > timestamptz '{AS_OF}:00+08'") == [(0,)]


def test_the_day_without_its_quotes_takes_no_stance_and_says_so(past: Any) -> None:
    _, ask = past
    rows = ask(
        "select distinct status, stance, quotes_date, decision_at from serving.outlook_v1 where commodity_code = 'AO' and as_of_date = '2025-07-22'"
    )
    assert rows == [("rejected", None, JULY_21, moment(AS_OF))]


def test_the_day_before_stands_as_it_was_decided(past: Any, sample: Built) -> None:
    _, ask = past
    sql = "select horizon, stance, score, confidence, inputs_hash from serving.outlook_v1 where commodity_code = 'AO' and as_of_date = '2025-07-21' order by 1"
    assert ask(sql) == sample.published(sql)
    assert len(ask(sql)) == 3


def test_a_build_of_the_past_is_never_published(tmp_path: Path) -> None:
    with pytest.raises(PublishRefusedError, match="never published"):
        publish(Settings(home=tmp_path, as_of=moment(AS_OF)), "run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "--as-of", "yesterday"), "'yesterday' is not a time"),
        (("run", "--as-of", "2025-13-01"), "'2025-13-01' is not a time"),
        (("run", "--as-of", AS_OF), "nothing has been taken in yet"),
    ],
)
def test_a_time_that_is_none_and_an_empty_home_are_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = alumina(tmp_path / "home", *arguments)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_moment_is_of_shanghai_unless_it_says_otherwise_and_a_day_is_its_end() -> None:
    assert moment("2025-07-22 15:05") == moment("2025-07-22T07:05:00+00:00") == datetime(2025, 7, 22, 15, 5, tzinfo=SHANGHAI)
    assert moment(" 2025-07-22 ") == datetime(2025, 7, 22, 23, 59, 59, tzinfo=SHANGHAI)
