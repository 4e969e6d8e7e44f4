"""The sentiment score as a centred state: figures of any level, spread or sign average to an ordinary day, and stay what they were when later ones come."""

import math
import random
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.pipeline.conftest import Model

SESSIONS = 3000
# A steady series of each kind a component reads: what it is at rest, how far it wanders, how much of yesterday is left in today.
KINDS = {
    "a level far from zero": lambda noise: 250_000.0 * math.exp(0.4 * noise),
    "a signed figure that is not at home at zero": lambda noise: 12.6 + 4.0 * noise,
    "a return": lambda noise: 2.0 * noise**3,
    "mostly nothing": lambda noise: max(0.0, noise - 1.0),
    "three values": lambda noise: float((noise > 0.5) - (noise < -0.5)),
}
MEMORY = 0.5


def series(kind: str) -> list[float]:
    chance, noise, found = random.Random(kind), 0.0, []
    for _ in range(SESSIONS):
        noise = MEMORY * noise + math.sqrt(1 - MEMORY**2) * chance.gauss(0, 1)
        found.append(KINDS[kind](noise))
    return found


@pytest.fixture(scope="module")
def con(models: list[Model], tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The models that rank and score, on generated figures in place of those known at decisions."""
    sql = {name: text for name, _, text in models}
    with duckdb.connect(str(tmp_path_factory.mktemp("state") / "warehouse.duckdb")) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'; create schema intermediate; create schema staging")
        con.execute(
            "create table staging.stg_catalog__trading_days as "
            "select date '2010-01-01' + cast(i as integer) as trade_date, i + 1 as session_index from range(?) as t(i)",
            [SESSIONS],
        )
        con.execute(
            "create table intermediate.int_calendar__decisions as select 'XX' as commodity_code, trade_date as as_of_date, session_index, "
            "trade_date + interval 17 hour as decision_at from staging.stg_catalog__trading_days"
        )
        con.execute(
            "create table intermediate.int_commodities__parameters as select 'XX' as commodity_code, "
            "250.0 as percentile_window_sessions, 60.0 as percentile_minimum_sessions"
        )
        con.execute(
            "create table intermediate.int_outlook__known (commodity_code varchar, as_of_date date, signal varchar, data_date date, leg_dates varchar, "
            "signal_value double, payload_sha256 varchar, leg varchar)"
        )
        con.execute(
            "create table staging.stg_catalog__score_components (commodity_code varchar, component varchar, component_name varchar, component_name_zh varchar, "
            "block varchar, signal varchar, unit varchar, weight double, sign bigint, profile varchar, maximum_age_sessions bigint, valid_from date, "
            "fingerprint varchar, config_version varchar)"
        )
        for kind in KINDS:
            con.execute(
                "insert into intermediate.int_outlook__known select 'XX', d.trade_date, $kind, d.trade_date, '', v.value, '', null "
                "from staging.stg_catalog__trading_days as d inner join (select unnest($values) as value, unnest(range(1, $n + 1)) as place) as v "
                "on d.session_index = v.place",
                {"kind": kind, "values": series(kind), "n": SESSIONS},
            )
            con.execute(
                "insert into staging.stg_catalog__score_components values ('*', $kind, '', '', 'b', $kind, '-', 1, 1, 'exchange', 0, '2000-01-01', '', '')",
                {"kind": kind},
            )
        for name in ("intermediate.int_outlook__signals", "intermediate.int_sentiment__components"):
            con.execute(f"create table {name} as {sql[name]}")
        yield con


@pytest.mark.parametrize("kind", KINDS)
def test_a_steady_series_averages_to_an_ordinary_day(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    ((mean, lowest, highest, days),) = con.execute(
        "select avg(component_score), min(component_score), max(component_score), count(component_score) "
        "from intermediate.int_sentiment__components where component = ?",
        [kind],
    ).fetchall()
    assert abs(mean) <= 5
    assert -100 <= lowest < -40 or kind == "mostly nothing"
    assert 40 < highest <= 100
    assert days == SESSIONS - 59  # none before sixty values are known


def test_ties_stand_in_the_middle_of_their_like(con: duckdb.DuckDBPyConnection) -> None:
    """Ranked by the share at or below, a figure that is mostly nothing would score high on each of its quiet days."""
    (quiet,) = con.execute(
        "select avg(k.component_score), avg(100.0 * share) from intermediate.int_sentiment__components as k, "
        "(select avg(case when signal_value = 0 then 1.0 else 0.0 end) as share from intermediate.int_outlook__known where signal = 'mostly nothing') "
        "where k.component = 'mostly nothing' and k.signal_value = 0"
    ).fetchall()
    assert quiet[0] == pytest.approx(quiet[1] - 100, abs=3)


def test_what_comes_later_changes_no_earlier_score(con: duckdb.DuckDBPyConnection, models: list[Model], tmp_path: Path) -> None:
    sql = {name: text for name, _, text in models}["intermediate.int_outlook__signals"]
    con.execute("begin")
    before = con.execute(
        "select signal, as_of_date, percentile_ratio from intermediate.int_outlook__signals where as_of_date <= date '2014-01-01'"
    ).fetchall()
    con.execute("delete from intermediate.int_outlook__known where as_of_date > date '2014-01-01'")
    cut = con.execute(f"select signal, as_of_date, percentile_ratio from ({sql})").fetchall()
    con.execute("rollback")
    assert sorted(map(str, cut)) == sorted(map(str, before))
