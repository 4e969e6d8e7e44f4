"""Figures of dropped files are compared with known ones: no absurd figure passes and no true one is held, in any order, as of any time.

The judging models run as dbt compiled them on prints made here, in memory. What a whole run makes of absurd files is at the end.
"""

import csv
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from ingest.catalog.documents import catalog_files, load
from ingest.catalog.schemas import HeldFile, PublishedFile
from ingest.origins import FilesOrigin
from ingest.source import Request
from ingest.sources import SOURCES
from ingest.sources.catalog import Catalog
from ingest.vendor import UNITS
from quality.raw import TABLES
from serving.publish.release import ranges
from tests.pipeline.conftest import Built, House, Model, query, upstream

JUDGED = ("dated", "judged", "held")
START = date(2025, 7, 1)
QUANTITIES = load(HeldFile)


@dataclass(frozen=True)
class Print:
    """One figure in one file."""

    day: date
    value: float
    unit: str = "CNY/t"
    series: str = "X"
    provider: str = "V"
    name: str = "价格"
    file: str = ""
    """Blank: a file of its own day."""
    came: datetime | None = None
    """Blank: at noon of its day."""
    low: float | None = None
    high: float | None = None
    dataset: str = "spot__quotes"
    frequency: str = "daily"

    def row(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset, "feed": "f", "provider": self.provider, "series_id": self.series, "series_name": self.name, "frequency": self.frequency,
            "obs_date": self.day, "low_value": self.low, "high_value": self.high, "value": self.value, "change_value": None, "unit": self.unit,
            "published_at": None, "payload_sha256": self.file or f"{self.series} {self.day} {self.value}", "source": "spot",
            "fetched_at": self.came or datetime(self.day.year, self.day.month, self.day.day, 4, tzinfo=UTC), "data_origin": "files",
        }  # fmt: skip


def after(days: int, value: float, **more: Any) -> Print:
    return Print(START + timedelta(days=days), value, **more)


Judge = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def judge(models: list[Model]) -> Iterator[Judge]:
    """Judge prints by the shipped catalogue, and give each with `held_rule`, `value_before` and `available_at`."""
    con = duckdb.connect(config={"threads": 1})
    con.execute("attach ':memory:' as warehouse; use warehouse; set TimeZone = 'Asia/Shanghai'")
    con.execute("create schema intermediate; create schema staging; create schema raw")
    frames: dict[str, list[pl.DataFrame]] = {}
    for name, body in catalog_files(None):
        for table, frame in Catalog().parse(Request("catalog", "catalog", name, name), body).frames.items():
            frames.setdefault(table, []).append(frame)
    for table in (name for name in TABLES if name.startswith("catalog__")):
        con.register("rows", pl.concat(frames[table]) if table in frames else pl.DataFrame(schema=TABLES[table].schema))
        con.execute(f"create table staging.stg_{table} as from rows")
    con.execute("create table staging.stg_ingest__horizon (as_of timestamptz)")
    con.execute("create table staging.stg_ingest__receipts (payload_sha256 varchar, request_name varchar)")
    sql = {name.split("__")[1]: text for name, _, text in models if name.startswith("intermediate.int_series__")}

    def judged(prints: Iterable[Print], reviews: Iterable[tuple[str, str, datetime]] = (), known_by: datetime | None = None) -> list[dict[str, Any]]:
        rows = [one.row() for one in prints]
        con.register(
            "rows",
            pl.DataFrame(
                rows,
                schema_overrides=dict.fromkeys(("low_value", "high_value", "value", "change_value"), pl.Float64)
                | {"published_at": pl.Datetime("us", "UTC")},
                infer_schema_length=None,
            ),
        )
        con.execute("create or replace table intermediate.int_series__printed as from rows")
        con.execute("delete from staging.stg_catalog__reviews")
        con.executemany(
            "insert into staging.stg_catalog__reviews values (?, ?, 'because', ?)", [list(one) for one in reviews] or [["H", "reject", START]]
        )
        for name in JUDGED:
            con.execute(f"create or replace table intermediate.int_series__{name} as {sql[name]}")
            if name == "dated" and known_by:
                con.execute("delete from intermediate.int_series__dated where known_at > ?", [known_by])
        return con.sql("select * from intermediate.int_series__judged order by series_id, obs_date, known_at, payload_sha256").pl().to_dicts()

    yield judged
    con.close()


def rules(rows: list[dict[str, Any]]) -> list[str | None]:
    """Why each print is held, in the order of its day; one that was released is not."""
    return [None if row["available_at"] else row["held_rule"] for row in rows]


# ---------------------------------------------------------------- each limit, once outside and once inside


@pytest.mark.parametrize("quantity", QUANTITIES.quantity, ids=lambda quantity: quantity.name)
def test_each_limit_of_each_quantity_is_held_outside_and_let_through_inside(judge: Judge, quantity: Any) -> None:
    name = quantity.words[0] if quantity.words else "x"
    made = {"unit": quantity.unit, "name": name}
    level = quantity.form == "level"
    middle = math.sqrt(max(quantity.lowest, 1e-3) * quantity.highest) if level else (quantity.lowest + quantity.highest) / 2

    def moved(step: float) -> float:
        return middle * (1 + step) if level else middle + step

    cases = {
        "above": ([after(0, middle), after(1, quantity.highest * 1.01)], "outside_bounds"),
        "a day's step": ([after(0, middle), after(1, moved(quantity.day_step * 1.01))], "jump"),
        "any step": ([after(0, middle), after(2000, moved(quantity.most_step * 1.01))], "jump"),
        "inside": ([after(0, middle), after(1, moved(quantity.day_step * 0.99))], None),
        "long after": ([after(0, middle), after(2000, moved(quantity.most_step * 0.9))], None),
    }
    if level:
        slipped = middle * quantity.scale_ratio * 1.01
        # Of an exchange rate another scale lies outside all bounds.
        cases["scale"] = ([after(0, middle), after(1, slipped)], "another_scale" if slipped <= quantity.highest else "outside_bounds")
        cases["range"] = ([after(0, middle), replace(after(1, middle), low=middle / quantity.range_ratio / 1.01)], "range")
        cases["high"] = ([after(0, middle), replace(after(1, middle), high=middle * quantity.range_ratio * 1.01)], "range")
        cases["negative"] = ([after(0, middle), after(1, -middle)], "not_positive")
    else:
        cases["below"] = ([after(0, middle), after(1, quantity.lowest * 1.01)], "outside_bounds")
    prints = [replace(one, series=case, **made) for case, (series, _) in cases.items() for one in series]
    found = {row["series_id"]: row["held_rule"] for row in judge(prints) if row["obs_date"] != START}
    assert found == {case: rule for case, (_, rule) in cases.items()}


def test_every_unit_a_vendor_may_use_has_its_quantity() -> None:
    assert {unit for unit, _ in UNITS.values()} == {row.unit for row in QUANTITIES.quantity}


@pytest.mark.parametrize(
    ("series", "unit", "value", "rule"),
    [
        ("SMM-AO-INDEX", "CNY/t", 3_100_000.0, "outside_bounds"),
        ("SMM-AO-INDEX", "CNY/t", 3.1, "outside_bounds"),
        ("SMM-AO-INDEX", "CNY/t", 0.0, "not_positive"),
        ("SMM-AO-RATE", "ratio", 0.008123, "outside_bounds"),
        ("SMM-AO-RATE", "ratio", 81.23, "outside_bounds"),
        ("SMM-AO-CAP-RUN", "t/a", 8_105.0, "outside_bounds"),
        ("SMM-AO-SPREAD-1130", "CNY/t", 112_400.0, "outside_bounds"),
        ("BOC-USD-CNY-SELL", "CNY/USD", 683.9, "outside_bounds"),
        ("SMM-AO-INDEX", "CNY/t", 3_100.0, None),
        ("SMM-AO-RATE", "ratio", 0.8123, None),
        ("BOC-USD-CNY-SELL", "CNY/USD", 7.16, None),
    ],
)  # fmt: skip
def test_the_first_print_of_a_configured_series_is_judged_too(judge: Judge, series: str, unit: str, value: float, rule: str | None) -> None:
    one = after(0, value, series=series, unit=unit, provider=series.split("-")[0])
    assert [row["held_rule"] for row in judge([one])] == [rule]


# ---------------------------------------------------------------- what becomes of a held figure


def test_a_figure_in_another_unit_than_its_role_is_read_in_is_held_and_one_of_no_role_is_not(judge: Judge) -> None:
    said = {"series": "SMM-AO-INDEX", "provider": "SMM"}
    rows = judge([after(0, 3150.0, **said), after(1, 440.0, unit="USD/t", **said), after(2, 3160.0, **said)])
    assert rules(rows) == [None, "unit_of_role", None]
    assert rules(judge([after(0, 440.0, unit="USD/t", series="SMM-AO-INDEX", provider="another")])) == [None]


def test_a_second_agreeing_print_of_another_file_releases_it_and_nothing_else_does(judge: Judge) -> None:
    moved = [after(0, 3100.0), after(1, 4500.0), after(2, 4510.0)]
    assert rules(judge(moved)) == [None, None, None]
    known = {row["obs_date"]: row["available_at"] for row in judge(moved)}
    assert known[START + timedelta(1)] == known[START + timedelta(2)]
    # The same file, the same day again, another unit's scale, and what a later print spoke against.
    assert rules(judge([moved[0], replace(moved[1], file="f"), replace(moved[2], file="f")])) == [None, "jump", "jump"]
    assert rules(judge([moved[0], moved[1], replace(moved[1], file="again", came=datetime(2025, 7, 5, tzinfo=UTC))])) == [None, "jump", "jump"]
    assert rules(judge([moved[0], after(1, 31_000.0), after(2, 31_010.0), after(3, 31_020.0)])) == [None, *["another_scale"] * 3]
    assert rules(judge([moved[0], moved[1], after(2, 3110.0), after(3, 4510.0)])) == [None, "jump", None, "jump"]


def test_a_person_releases_what_no_print_may_and_rejects_what_one_would(judge: Judge) -> None:
    slipped = [after(0, 3100.0), after(1, 31_000.0), after(2, 31_010.0), after(5, 31_020.0)]
    (held,) = [row["held_id"] for row in judge(slipped) if row["obs_date"] == START + timedelta(1)]
    at = datetime(2025, 7, 4, tzinfo=UTC)
    rows = judge(slipped, [(held, "accept", at)])
    assert rules(rows) == [None] * 4
    assert [row["available_at"] for row in rows[1:3]] == [at.astimezone(rows[1]["available_at"].tzinfo)] * 2
    moved = [after(0, 3100.0), after(1, 4500.0), after(2, 4510.0)]
    (held,) = [row["held_id"] for row in judge(moved) if row["obs_date"] == START + timedelta(1)]
    assert rules(judge(moved, [(held, "reject", datetime(2025, 7, 2, 12, tzinfo=UTC))])) == [None, "jump", "jump"]
    # Said before the file came: it counts when it comes.
    assert rules(judge([moved[0], moved[1]], [(held, "reject", datetime(2025, 1, 1, tzinfo=UTC))])) == [None, "rejected"]


def test_a_series_that_was_always_lively_may_go_further(judge: Judge) -> None:
    lively = [after(n, 1000.0 * (1.08 if n % 2 else 1.0)) for n in range(12)]
    assert rules(judge([*lively, after(12, 1500.0)]))[-1] is None
    assert rules(judge([*(after(n, 1000.0 + n) for n in range(12)), after(12, 1500.0)]))[-1] == "jump"


# ---------------------------------------------------------------- any order, any time


@st.composite
def histories(draw: st.DrawFn) -> list[Print]:
    """Some weeks of a series as people drop it: mostly a day at a time, sometimes anew, late, slipped, several days in a file."""
    days = draw(st.lists(st.integers(0, 25), min_size=1, max_size=14))
    found = []
    for number, day in enumerate(days):
        factor = draw(st.sampled_from([1.0, 1.0, 1.0, 1.01, 0.97, 1.3, 0.6, 10.0, 0.001, 0.0]))
        delay = draw(st.sampled_from([0, 0, 0, 1, 6, 20]))
        at = START + timedelta(days=day)
        came = datetime(at.year, at.month, at.day, 4, tzinfo=UTC) + timedelta(days=delay, minutes=draw(st.integers(0, 90)))
        found.append(
            Print(at, round(3100.0 * factor + draw(st.integers(-9, 9)), 2), came=came, file=draw(st.sampled_from([f"f{number}", "same", "other"])))
        )
    # One row a day in a file, as the reader of files sees to it.
    return list({(one.day, one.file): one for one in found}.values())


KEY = ("obs_date", "payload_sha256")
TOLD = (*KEY, "held_rule", "value_before", "date_before", "freed_at", "freed_by", "available_at")


def told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return sorted((tuple(row[name] for name in TOLD) for row in rows), key=str)


@effort(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=histories(), shuffle=st.randoms(use_true_random=False))
def test_the_order_in_which_rows_lie_changes_nothing_and_nothing_is_lost(judge: Judge, history: list[Print], shuffle: Any) -> None:
    rows = judge(history)
    assert len(rows) == len(history)
    assert told(judge(shuffle.sample(history, len(history)))) == told(rows)
    for row in rows:
        assert row["available_at"] is None or row["available_at"] >= row["known_at"]
        assert row["available_at"] is None or row["lowest"] <= row["value"] <= row["highest"]
        assert (row["held_rule"] is None) <= (row["available_at"] == row["known_at"])


@effort(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=histories(), cut=st.integers(0, 50))
def test_what_was_known_at_a_time_is_what_a_history_cut_there_says(judge: Judge, history: list[Print], cut: int) -> None:
    at = datetime(2025, 7, 1, tzinfo=UTC) + timedelta(hours=12 * cut)
    whole = [row for row in judge(history) if row["known_at"] <= at]
    for row in whole:
        if row["freed_at"] and row["freed_at"] > at:
            row |= {"freed_at": None, "freed_by": None, "available_at": None}
        elif row["available_at"] and row["available_at"] > at:
            row |= {"available_at": None}
    assert told(judge(history, known_by=at)) == told(whole)


@effort(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=st.lists(st.sampled_from([1.0, 1.01, 0.98, 1.3, 10.0, 0.0]), min_size=2, max_size=8), shuffle=st.randoms(use_true_random=False))
def test_files_of_a_day_each_are_judged_alike_in_whichever_order_they_come(judge: Judge, steps: list[float], shuffle: Any) -> None:
    history = [after(n, 3100.0 * step) for n, step in enumerate(steps)]
    late = shuffle.sample(range(len(history)), len(history))
    came = [replace(one, came=datetime(2025, 8, 1, tzinfo=UTC) + timedelta(minutes=late[n])) for n, one in enumerate(history)]
    columns = ("obs_date", "held_rule", "value_before", "available_at")
    assert [[row[name] for name in columns] for row in judge(came)] == [[row[name] for name in columns] for row in judge(history)]


# ---------------------------------------------------------------- nothing true is held


def table(path: Path, encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def series_of(rows: Iterable[dict[str, str]], day: str, columns: Iterable[str], *, prefix: str, scale: float = 1.0, **more: Any) -> list[Print]:
    """A print a day for each column that has a figure, each in a file of its own."""
    return [
        Print(date.fromisoformat(row[day][:10]), float(row[column]) * scale, series=f"{prefix} {column}", **more)
        for row in rows
        for column in columns
        if row.get(column, "").strip()
    ]


def test_nothing_true_is_held_of_the_real_prices_and_exchange_rates(judge: Judge, shared_data: Path) -> None:
    prices = table(shared_data / "prices" / "ao0_daily.csv")
    prints = series_of(prices, "date", ("open", "high", "low", "close", "settle"), prefix="AO")
    other = table(shared_data / "prices" / "ao_main_gbk.csv", "gbk")
    day, *columns = other[0]
    prints += series_of(other, day, [column for column in columns if "价" in column], prefix="main")
    banks = table(shared_data / "fx" / "usd_cny.csv")
    prints += series_of(banks, "date", ("boc_banknote_buy", "boc_cash_buy", "boc_sell", "pbc_mid"), prefix="FX", scale=0.01, unit="CNY/USD")
    prints += series_of(banks, "date", ("usd_cny",), prefix="FX", unit="CNY/USD")
    facts = table(shared_data / "smm_facts" / "spot_fob_parity.csv")
    prints += series_of(facts, "data_date", ("smm_index_cny_t", "port_price_cny_t"), prefix="SMM")
    prints += series_of(facts, "data_date", ("fob_wa_usd_t", "freight_usd_t", "guinea_bauxite_cif_usd_t"), prefix="SMM", unit="USD/t")
    prints += series_of(facts, "data_date", ("port_minus_index_cny_t", "basis_index_minus_main_1130"), prefix="SMM", name="价差")
    capacity = table(shared_data / "smm_facts" / "capacity_production.csv")
    prints += series_of(capacity, "data_date", ("installed_mt_y", "operating_mt_y"), prefix="SMM", scale=1e6, unit="t/a", frequency="weekly")
    prints += series_of(capacity, "data_date", ("operating_rate_pct",), prefix="SMM", scale=0.01, unit="ratio", frequency="weekly")
    assert len(prints) > 8_000
    # Both copies of the chain fill the one settlement they lack with zero: no price, and all that is held.
    held = [(row["series_id"].split()[0], row["obs_date"], row["value"]) for row in judge(prints) if row["held_rule"]]
    assert held == [(chain, date.fromisoformat(row["date"]), 0.0) for chain in ("AO", "main") for row in prices if float(row["settle"]) == 0.0]


def test_nothing_true_is_held_of_the_real_files_and_of_the_ledger(judge: Judge, shared_data: Path, models: list[Model], tmp_path: Path) -> None:
    house = House(tmp_path / "home")
    for folder in ("vendor", "payloads"):
        house.take(FilesOrigin(shared_data / folder, SOURCES))
    warehouse = house.build(upstream(models, "intermediate.int_series__held"))
    assert query(warehouse, "select count(*) > 80 from intermediate.int_series__judged") == [(True,)]
    assert query(warehouse, "select series_id, obs_date, value, reason_en from intermediate.int_series__held") == []


def test_nothing_of_the_sample_is_held(sample: Built) -> None:
    assert sample.published("select held_id, reason_en from serving.held_figures") == []
    (rows,) = sample.working("select count(*) from intermediate.int_series__judged")
    assert rows[0] > 10_000


def test_every_published_number_has_bounds_and_none_of_the_sample_leaves_them(sample: Built) -> None:
    numbers = "select schema_name || '.' || table_name, column_name from duckdb_columns() where schema_name in ('marts', 'serving') "
    numbers += "and data_type in ('DOUBLE', 'BIGINT') and table_name in (select table_name from duckdb_tables())"
    file = load(PublishedFile)
    assert [(table, column) for table, column in sample.published(numbers) if table not in file.not_judged and file.of(column) is None] == []
    with duckdb.connect(str((sample.home / "serving" / "alumina.duckdb").resolve()), read_only=True) as con:
        assert ranges(con).filter(pl.col("rows_outside") > 0).rows() == []


# ---------------------------------------------------------------- a whole run


HEAD = "日期,名称,数值,单位,指标ID,数据来源,地区,频率,发布时间"


def dropped(folder: Path, name: str, *rows: str) -> None:
    (folder / name).write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")


def test_a_file_that_changes_scale_gives_no_row_of_either_where_neither_is_known(models: list[Model], tmp_path: Path) -> None:
    # A bank's board counts per 100 dollars until the 17th, per dollar from the 20th on.
    rates = {"2026-04-16": 683.9, "2026-04-17": 683.8, "2026-04-20": 6.81, "2026-04-21": 6.82}
    rows = [f"{day},美元卖出价,{rate},元/美元,BOC-USD-CNY-SELL,BOC,全国,日," for day, rate in rates.items()]
    dropped(tmp_path, "boc_overseas_20260421.csv", *rows)
    house = House(tmp_path / "home")
    house.take(FilesOrigin(tmp_path, SOURCES))
    warehouse = house.build(upstream(models, "intermediate.int_series__held"))
    assert query(warehouse, "select count(*) from raw.ingest__quarantine where reason = 'jump_of_a_power_of_ten'") == [(2,)]
    held = query(warehouse, "select value, held_rule, reason_en from intermediate.int_series__held order by obs_date")
    assert [(value, rule) for value, rule, _ in held] == [(683.9, "outside_bounds"), (683.8, "outside_bounds")]
    assert all("divided by 100 it would be believed" in sentence for *_, sentence in held)
    assert query(warehouse, "select count(available_at) from intermediate.int_series__judged") == [(0,)]


@pytest.fixture(scope="module")
def absurd(tmp_path_factory: pytest.TempPathFactory, models: list[Model]) -> Path:
    """The real models on a desk's one-row files, each absurd in another way, beside good ones."""
    folder = tmp_path_factory.mktemp("absurd")

    def drop(feed: str, day: date, *rows: str) -> None:
        dropped(folder, f"{feed}_{day:%Y%m%d}.csv", *rows)

    for number, spot in enumerate([3150, 3_155_000, 3.16, 0, -3150, 3160]):
        day = date(2025, 7, 14) + timedelta(days=number if number < 5 else 7)
        drop(
            "smm_spot_price",
            day,
            f"{day},SMM氧化铝指数,{spot},元/吨,SMM-AO-INDEX,SMM,全国,日,",
            f"{day},山东氧化铝,3120,元/吨,SMM-AO-SPOT-SHANDONG,SMM,山东,日,",
        )
        drop("smm_capacity", day, f"{day},冶金级氧化铝周度开工率,{[81.23, 0.8123, 8123, 81.4, 81.3, 81.2][number]},%,SMM-AO-RATE,SMM,全国,周,")
        drop("boc_overseas", day, f"{day},美元卖出价,{[7.18, 718.2, 7.19, 0.0719, 7.18, 7.17][number]},元/美元,BOC-USD-CNY-SELL,BOC,全国,日,")
    house = House(tmp_path_factory.mktemp("desk"))
    house.take(FilesOrigin(folder, SOURCES))
    return house.build(models)


def test_an_absurd_one_row_file_is_held_visible_and_in_no_mart(absurd: Path) -> None:
    held = query(absurd, "select request_name, series_id, value, held_rule from serving.held_figures where held_status = 'held' order by all")
    assert [(name, value) for name, _, value, _ in held] == [
        ("boc_overseas_20250715.csv", 718.2),
        ("boc_overseas_20250717.csv", 0.0719),
        ("smm_capacity_20250715.csv", 0.008123),
        ("smm_capacity_20250716.csv", 81.23),
        ("smm_spot_price_20250715.csv", 3_155_000.0),
        ("smm_spot_price_20250716.csv", 3.16),
        ("smm_spot_price_20250717.csv", 0.0),
        ("smm_spot_price_20250718.csv", -3150.0),
    ]
    assert query(absurd, "select distinct spot_cny_t from marts.fct_spot_daily where region = 'national' and spot_cny_t is not null order by 1") == [
        (3150.0,),
        (3160.0,),
    ]
    found = "select subject, message from serving.quality_results where check_id like 'held%' and trade_date = date '2025-07-15'"
    told = dict(query(absurd, found))
    assert set(told) == {"SMM SMM-AO-RATE value", "BOC BOC-USD-CNY-SELL value", "SMM SMM-AO-INDEX value"}
    sentence = told["SMM SMM-AO-INDEX value"]
    assert sentence.startswith("smm_spot_price_20250715.csv: ")
    assert "3,155,000.00 CNY/t, outside 1,000.00 to 10,000.00" in sentence
    assert "divided by 1,000" in sentence
