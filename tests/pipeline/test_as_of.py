"""`alumina run --as-of`: what was known at a past time, by the command, on sixty sessions of the sample; nothing is published."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.settings import Settings
from ingest.source import SHANGHAI
from orchestration.warehouse.as_of import moment
from serving.publish.release import PublishRefusedError, publish
from tests.pipeline.conftest import Built, alumina, copied

AS_OF = "2025-07-22 15:05"
JULY_21, JULY_22 = date(2025, 7, 21), date(2025, 7, 22)


@pytest.fixture(scope="module")
def home(sixty_sessions: Built, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A copy of the home, which the build aside is added to."""
    return replace(sixty_sessions, home=copied(sixty_sessions.home, tmp_path_factory.mktemp("as_of") / "home"))


@pytest.fixture(scope="module")
def past(home: Built) -> tuple[subprocess.CompletedProcess[str], Callable[[str], list[tuple[Any, ...]]]]:
    """The run as of five past three on the day of the note, and a way to query what it built."""
    before = (home.home / "serving").resolve()
    done = alumina(home.home, "run", "--as-of", AS_OF)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (home.home / "serving").resolve() == before
    warehouse = Settings(home=home.home, as_of=moment(AS_OF)).warehouse

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(warehouse), read_only=True) as con:
            con.execute("set TimeZone = 'Asia/Shanghai'")
            return con.execute(sql).fetchall()

    return done, ask


def test_a_figure_of_another_day_says_so(past: Any) -> None:
    done, _ = past
    said = " ".join(done.stdout.split())
    assert re.search(
        r"AO: AO2509 close 3,386 CNY/t \([^)]+\) of 07-21, receipts [\d,]+ t of 07-21, spot 3,199.18 CNY/t, futures premium \S+ % of 07-21", said
    )


def test_it_says_where_and_that_nothing_is_published(past: Any, home: Built) -> None:
    done, _ = past
    assert "not published" in done.stdout
    assert str(Settings(home=home.home, as_of=moment(AS_OF)).warehouse) in done.stdout.replace("\n", "")


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


@pytest.mark.parametrize(
    ("table", "moment_or_day", "horizon"),
    [
        ("source_status", "last_attempt_at", f"timestamptz '{AS_OF}:00+08'"),
        ("source_status", "last_ok_at", f"timestamptz '{AS_OF}:00+08'"),
        ("quality_results", "trade_date", f"date '{JULY_22}'"),
    ],
)
def test_nothing_that_was_attempted_or_found_later_stands_there(past: Any, table: str, moment_or_day: str, horizon: str) -> None:
    _, ask = past
    assert ask(f"select count(*) from serving.{table} where {moment_or_day} > {horizon}") == [(0,)]
    assert ask(f"select count({moment_or_day}) > 0 from serving.{table}") == [(True,)]


def test_attempts_are_those_made_by_then(past: Any) -> None:
    """The receipts' file of the day was fetched at four minutes past three, its quotes after that; the vendor's export of July came on the 23rd."""
    _, ask = past
    last = dict(ask("select feed, last_attempt_at from serving.source_status where feed in ('dailystock', 'kx', 'spot_price')"))
    assert {feed: at.date() for feed, at in last.items()} == {"dailystock": JULY_22, "kx": JULY_21, "spot_price": date(2025, 6, 30)}


def test_a_finding_stands_from_when_its_figures_were_known_and_not_from_when_they_were_loaded(past: Any) -> None:
    """The copied port price of the 3rd came in a file that was loaded on the 23rd."""
    _, ask = past
    finding = "check_id = 'figure_is_no_copy_of_the_index'"
    assert ask(f"select trade_date from serving.quality_results where {finding}") == [(date(2025, 7, 3),)]
    assert ask(
        f"select min(attempted_at) > timestamptz '{AS_OF}:00+08' from raw.ingest__receipts "
        f"where payload_sha256 = (select payload_sha256 from serving.quality_results where {finding})"
    ) == [(True,)]


@pytest.mark.parametrize(
    ("check", "broken", "newest"),
    [
        ("printed_change_is_the_difference", "update intermediate.int_exchange__quotes set close_change = close_change + 1", JULY_21),
        ("contracts_add_up_to_the_product", "update intermediate.int_exchange__totals set volume_lots = volume_lots + 1", JULY_21),
        ("warehouses_add_up_to_the_sum_row", "update intermediate.int_exchange__receipts set receipts_qty = 1 where row_level = 'product_total'", JULY_21),
        ("members_add_up_to_the_top_20", "update raw.shfe__member_ranking set position_lots = 1 where row_kind = 'top20_sum'", JULY_21),
        ("settlement_is_printed_alike", "update raw.shfe__settlement_parameters set settle_price = settle_price + 1", JULY_21),
        ("settlement_is_printed_alike", "update raw.shfe__margins_fees set settle_price = settle_price + 1", JULY_21),
        # The exchange names its trading day before it opens; these files were loaded long afterwards.
        (
            "calendar_agrees_with_the_exchange",
            "update raw.shfe__trading_day set previous_trade_date = date '2025-03-31', fetched_at = timestamptz '2026-01-01 00:00:00+08'",
            JULY_22,
        ),
        # A second file of a day says nothing before it was seen.
        (
            "calendar_agrees_with_the_exchange",
            "insert into raw.shfe__trading_day by name select date '2025-07-22' as trade_date, before as previous_trade_date, payload_sha256, fetched_at "
            "from (values (date '2025-07-21', 'p', timestamptz '2025-07-22 08:00:00+08'), (date '2025-07-01', 'q', timestamptz '2025-07-22 16:00:00+08'))"
            " as files (before, payload_sha256, fetched_at)",
            None,
        ),
    ],
)  # fmt: skip
def test_arithmetic_is_held_against_what_was_printed_by_then(
    past: Any, home: Built, tmp_path: Path, check: str, broken: str, newest: date | None
) -> None:
    settings = Settings(home=home.home, as_of=moment(AS_OF))
    (model,) = settings.workshop.rglob("compiled/**/int_quality__identities.sql")
    shutil.copy(settings.warehouse, tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        con.execute(broken)
        found = con.execute(f"select max(trade_date) from ({model.read_text()}) where check_id = ?", [check]).fetchall()
    assert found == [(newest,)]


def test_the_day_without_its_quotes_takes_no_stance_and_says_so(past: Any) -> None:
    _, ask = past
    rows = ask(
        "select distinct status, stance, quotes_date, decision_at from serving.outlook_v2 where commodity_code = 'AO' and as_of_date = '2025-07-22'"
    )
    assert rows == [("rejected", None, JULY_21, moment(AS_OF))]


def test_the_day_before_stands_as_it_was_decided(past: Any, home: Built) -> None:
    _, ask = past
    sql = "select horizon, stance, sentiment_score, interval80_low_cny_t, inputs_hash from serving.outlook_v2 where commodity_code = 'AO' and as_of_date = '2025-07-21' order by 1"
    assert ask(sql) == home.published(sql)
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
