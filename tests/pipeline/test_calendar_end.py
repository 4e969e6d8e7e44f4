"""The calendar's end: contracts beyond it are judged by their expected last trading day, and extending the calendar changes no history."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from ingest.catalog.calendar import load_calendar
from ingest.origins import FilesOrigin
from ingest.sources import SOURCES
from serving.research.backtest import _FORECASTS
from tests.pipeline.conftest import House, query

Model = tuple[str, str, str]
# What a day says of the days after it: the session that follows the last one known, and the last trading day as it is known now.
OF_NOW = {"marts.dim_trading_day", "marts.dim_contract"}


def built(root: Path, payloads: Path, models: list[Model], extension: str = "") -> Path:
    house = House(root)
    if extension:
        house.settings.catalog_overlay.mkdir(parents=True)
        (house.settings.catalog_overlay / "calendar.toml").write_text(extension)
    house.take(FilesOrigin(payloads, SOURCES))
    return house.build(models)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, shared_data: Path, models: list[Model]) -> Path:
    return built(tmp_path_factory.mktemp("before"), shared_data / "cases/contract-past-calendar", models)


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory, shared_data: Path, models: list[Model]) -> Path:
    # The closures as they are expected, and one day more, so that what is expected and what is known differ.
    extension = load_calendar().extension().replace('"2027-01-01"', '"2027-01-01/2027-01-06"')
    return built(tmp_path_factory.mktemp("after"), shared_data / "cases/contract-past-calendar", models, extension)


def test_the_backtest_judges_the_contract_the_outlook_spoke_of(before: Path) -> None:
    with duckdb.connect(str(before), read_only=True) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        told = con.sql(_FORECASTS).pl().filter(horizon="short").drop_nulls("exit_cny_t")
        closes = dict(con.execute("select contract_code, min(close_cny_t) from marts.fct_futures_daily group by all").fetchall())
        opens = con.execute("select contract_code, trade_date, open_cny_t from marts.fct_futures_daily").fetchall()
    assert closes["AO2612"] > closes["AO2701"], "the two are told apart by their price"
    assert told.height
    entry = {(contract, day): price for contract, day, price in opens}
    for row in told.iter_rows(named=True):
        assert row["dominant_contract"] == "AO2701"
        assert row["entry_cny_t"] == entry["AO2701", row["entry_date"]] != entry["AO2612", row["entry_date"]]


def test_a_last_trading_day_past_the_calendar_is_expected_and_marked(before: Path, after: Path) -> None:
    of = "select last_trading_day, is_last_trading_day_expected from marts.dim_contract where contract_code = ?"
    assert query(before, of, "AO2701") == [(date(2027, 1, 15), True)]
    assert query(after, of, "AO2701") == [(date(2027, 1, 15), False)]
    assert query(before, of, "AO2612") == query(after, of, "AO2612") == [(date(2026, 12, 15), False)]
    rows = query(
        before,
        "select is_last_trading_day_expected, min(sessions_to_last_trading_day) from marts.fct_futures_daily where contract_code = 'AO2701' group by all",
    )
    ((expected, left),) = rows
    assert expected is True
    assert left > 30


def test_no_last_trading_day_is_null_without_a_word(before: Path) -> None:
    assert not query(
        before,
        "select * from marts.fct_futures_daily where sessions_to_last_trading_day is null "
        "and not regexp_matches(coalesce(null_reason, ''), 'sessions_to_last_trading_day:no_last_trading_day')",
    )


def test_an_extension_of_the_calendar_changes_nothing_that_was_said(before: Path, after: Path) -> None:
    with duckdb.connect(str(before), read_only=True) as con:
        con.execute(f"attach '{after}' as later (read_only)")
        tables = con.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where database_name <> 'later' and schema_name in ('marts', 'serving')"
        ).fetchall()
        changed = {}
        for (table,) in tables:
            if table in OF_NOW:
                continue
            columns = [
                name
                for (name,) in con.execute(f"select column_name from (describe {table})").fetchall()
                if name not in ("fetched_at", "first_seen_at", "last_attempt_at", "last_ok_at")
            ]
            names = ", ".join(f'"{name}"' for name in columns)
            if rows := con.execute(f"select {names} from {table} except select {names} from later.{table}").fetchall():
                changed[table] = len(rows)
    changed.pop("serving.source_status", None)  # the catalogue was read anew
    assert changed == {}
    assert tables
