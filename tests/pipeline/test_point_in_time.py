"""Point in time, the master tests: history built today with a horizon is history as it was built then.

(a) For each chosen day T, the whole archive built as of T equals an archive that never got anything after T, in every mart.
(b) In the normal build the rows of score and outlook decided by T equal those of the archive that ends at T.
(c) In the normal build every mart row whose `available_at` is not after T is a row of the archive that ends at T: nothing it shows came later.

Chosen are the days on which something happens that could let the future in (`NAMED`); `make test-full` adds three days, every
twentieth session, `make battery` every third. The archive that ends at T grows as a desk's would: day by day, with vendor files handed over
again and again. The models run as compiled by dbt, statement by statement.
"""

import csv
import io
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.catalog.calendar import load_calendar
from ingest.notes import write_note
from ingest.origins import SampleOrigin
from ingest.settings import REPOSITORY
from ingest.source import SHANGHAI, DataOrigin, Request, Response, Source
from serving.read import FILE_NAME
from serving.research.note.page import html
from serving.research.note.past import find
from serving.seal import seal
from tests.pipeline.conftest import House, Model, Once, query, upstream

FIRST, LAST = date(2025, 4, 21), date(2025, 7, 23)
# Of sixty sessions.
CHOSEN = int(os.environ.get("STRESS_DAYS", "3"))
STEP = 60 // CHOSEN
NAMED = {
    # The last session before the Dragon Boat holiday is also the last of its month: the clocks of the day run into days without a session.
    "month end, eve of a holiday": date(2025, 5, 30),
    # In the evening vendors hand over May again, restated: what was decided at 17:30 must not know it.
    "a restated month": date(2025, 6, 3),
    # Another contract becomes dominant: returns, levels and premium join two contracts or none.
    "roll": date(2025, 6, 4),
    # The last trading day of the June contracts, a Monday: warrants move with delivery, and receipts come out after the decision.
    "delivery, late receipts": date(2025, 6, 16),
    # Customs publish the month at 18:00, half an hour after the decision.
    "customs release": date(2025, 6, 20),
    # The quotes of this day come three sessions later ...
    "a day without its quotes": date(2025, 6, 26),
    # ... and on this one they are there, in the morning: the decisions in between stay as they were.
    "late quotes come in": date(2025, 7, 1),
    # Receipts collapse, and quotes and receipts have a slip, mended two days later: history shows the mended figures, the decision stands on the slip.
    "a slip that is mended later": date(2025, 7, 18),
}
# The bytes of a vendor's month file depend on the day it was exported; the figures in it do not.
NOT_COMPARED = ("payload_sha256", "inputs_hash")
OWN_CLOCK = {"marts.fct_policy_events": "followup_known_at"}
"""Rows that also say when a part of them became known: until then they are not compared."""
DECIDED = ("marts.fct_sentiment_daily", "serving.outlook_v2", "serving.outlook_drivers")

# In `make test`: history that is restated, late, missing, and there later. The other days are grown with those of the sweep.
FIRST_LOOK = ("a restated month", "delivery, late receipts", "a day without its quotes", "late quotes come in")
REVISED_AFTER = timedelta(days=2, hours=4)
REVISE_EVERY = 5
# Receipts of a Monday come out after the decision.
LATE_ON, LATE_AT = 0, time(18, 20)
# Quotes of one day are published three sessions later: no lag and no window of the decisions in between may look through to them.
QUOTES_LATE, QUOTES_LATE_AT = date(2025, 6, 26), datetime(2025, 7, 1, 9, tzinfo=SHANGHAI)
# By feed: what is restated, of which series, in the month's file handed over once more after the month, with its old stamps.
RESTATED = {
    "spot_price": (("最低价", "最高价", "均价"), ""),
    "cost_profit": (("数值",), ""),
    "capacity": (("数值",), "-CAP-BUILT"),
    "gacc": (("第一数量",), ""),
}
RESTATED_AFTER = timedelta(days=3, hours=21)


class Revising:
    """The sample as the world is: files mended, a vendor's and the customs' months restated, receipts and a day's quotes that come out late.

    In every fifth day's exchange files is a slip, mended two days later by a file of the same name.
    """

    data_origin = DataOrigin.SAMPLE

    def __init__(self, first: date, last: date) -> None:
        self.first, self.last = first, last

    def deliveries(self, sources: Sequence[Source]) -> Iterator[tuple[Request, Response]]:
        # A file mended after the slice's first day may belong to a day before it.
        found = [late(*delivery) for delivery in SampleOrigin(self.first, self.last).deliveries(sources) if not is_days_late(delivery[0])]
        found += self.mended([s for s in sources if s.name == "shfe"])
        found += self.restated([s for s in sources if s.name in ("spot", "cost", "capacity", "customs")])
        yield from sorted(found, key=lambda item: item[1].fetched_at)

    def mended(self, sources: Sequence[Source]) -> Iterator[tuple[Request, Response]]:
        for delivery in SampleOrigin(max(FIRST, self.first - timedelta(days=9)), self.last).deliveries(sources):
            request, response = late(*delivery)
            if is_days_late(request) and self.holds(QUOTES_LATE_AT):
                yield request, stated(response, QUOTES_LATE_AT)
            elif request.day and request.feed in ("kx", "dailystock") and request.day.toordinal() % REVISE_EVERY == 0:
                mended = Response(revised(response.body), response.fetched_at + REVISED_AFTER, status=200)
                if self.holds(mended.fetched_at):
                    yield request, mended

    def restated(self, sources: Sequence[Source]) -> Iterator[tuple[Request, Response]]:
        for month in {day.replace(day=1) for day in load_calendar().sessions if FIRST <= day <= self.last}:
            last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            again = datetime.combine(last, time(), SHANGHAI) + RESTATED_AFTER
            if self.holds(again):
                for request, response in SampleOrigin(max(FIRST, month), last).deliveries(sources):
                    if request.feed in RESTATED:
                        yield request, Response(restated(request.feed, response.body), again, status=200)

    def holds(self, moment: datetime) -> bool:
        return self.first <= moment.astimezone(SHANGHAI).date() <= self.last


def late(request: Request, response: Response) -> tuple[Request, Response]:
    if request.feed != "dailystock" or request.day is None or request.day.weekday() != LATE_ON:
        return request, response
    return request, stated(response, datetime.combine(request.day, LATE_AT, SHANGHAI))


def is_days_late(request: Request) -> bool:
    return request.feed == "kx" and request.day == QUOTES_LATE


def stated(response: Response, moment: datetime) -> Response:
    document = json.loads(response.body) | {"update_date": f"{moment:%Y%m%d %H:%M:%S}"}
    return Response(json.dumps(document, ensure_ascii=False).encode(), moment + timedelta(minutes=2), status=200)


def restated(feed: str, body: bytes) -> bytes:
    columns, series = RESTATED[feed]
    encoding = "gb18030" if feed == "gacc" else "utf-8-sig"
    head, *rows = csv.reader(body.decode(encoding).splitlines())
    for row in rows:
        for place in [head.index(column) for column in columns]:
            if (figure := row[place].replace(",", "")) and series in ",".join(row):
                row[place] = f"{float(figure) * 1.02:.{len(figure.partition('.')[2])}f}"
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([head, *rows])
    return text.getvalue().encode(encoding)


def revised(body: bytes) -> bytes:
    document = json.loads(body)
    for row in document.get("o_curinstrument", []):
        for name, factor in (("CLOSEPRICE", 1.01), ("OPENINTEREST", 1.4), ("VOLUME", 1.1)):
            if row.get(name) not in (None, ""):
                row[name] = round(float(row[name]) * factor)
    for row in document.get("o_cursor", []):  # twice as much of each leaves the printed sums what they are
        if str(row.get("WRTWGHTS", "")).strip() not in ("", "0"):
            row["WRTWGHTS"] = type(row["WRTWGHTS"])(2 * int(row["WRTWGHTS"]))
    return json.dumps(document, ensure_ascii=False).encode()


# A percentile of so few sessions is null by the shipped parameter, and with it the score.
OVERLAY, SHIPPED, LOWERED = "parameters.toml", 'name = "percentile_minimum_sessions"\nvalue = 60', 'name = "percentile_minimum_sessions"\nvalue = 20'


def scoring_house(root: Path) -> House:
    """Give a new house in which three months are enough for scores."""
    house = House(root)
    parameters = (REPOSITORY / "ingest" / "catalog" / OVERLAY).read_text(encoding="utf-8")
    assert SHIPPED in parameters
    house.settings.catalog_overlay.mkdir(parents=True)
    (house.settings.catalog_overlay / OVERLAY).write_text(parameters.replace(SHIPPED, LOWERED), encoding="utf-8")
    return house


Grown = list[tuple[date, Path, Path]]
"""Days; the archive that ends there, built then; the whole archive built as of the end of the day."""


@pytest.fixture(scope="session")
def whole(once: Once, models: list[Model]) -> House:
    """The archive with everything, built normally."""

    def make(folder: Path) -> None:
        house = scoring_house(folder / "home")
        house.take(Revising(FIRST, LAST))
        house.build(models)

    return House(once("whole", make) / "home")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory, models: list[Model], whole: House) -> Grown:
    return grow(tmp_path_factory.mktemp("named"), models, whole, [NAMED[name] for name in FIRST_LOOK])


def grow(root: Path, models: list[Model], whole: House, days: list[date]) -> Grown:
    """Let an archive grow day by day and build on each of the days what is compared, and the whole archive as of the same moment."""
    found, begin = [], FIRST
    house, whole = scoring_house(root / "grown"), whole.copied(root / "whole")
    built, marts = upstream(models, *compared_tables(models)), upstream(models, *compared_tables(models, decided=False))
    for day in days:
        house.take(Revising(begin, day))
        found.append((day, house.build(built, end_of(day)), whole.build(marts, end_of(day))))
        begin = day + timedelta(days=1)
    return found


def compared_tables(models: list[Model], *, decided: bool = True) -> list[str]:
    """Name the marts, and what is decided in other schemas."""
    return [name for name, _, _ in models if name.startswith("marts.") or (decided and name in DECIDED)]


def end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), SHANGHAI)


def compared(con: duckdb.DuckDBPyConnection, table: str) -> str:
    columns = con.execute(f"select column_name, column_type from (describe new.{table})").fetchall()
    # A sum over many rows depends on their order in the last of its sixteen digits.
    return ", ".join(f'round("{name}", 9) as "{name}"' if kind == "DOUBLE" else f'"{name}"' for name, kind in columns if name not in NOT_COMPARED)


@contextmanager
def side_by_side(then: Path, now: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open two warehouses as `old` and `new`."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        con.execute(f"attach '{then}' as old (read_only)")
        con.execute(f"attach '{now}' as new (read_only)")
        yield con


def differences(then: Path, now: Path, tables: list[str], condition: str = "true", *parameters: Any) -> dict[str, list[tuple[Any, ...]]]:
    """Give, by table, some rows that only one of two builds has, or has more often; a hash says first whether there are any."""
    found = {}
    with side_by_side(then, now) as con:
        for table in tables:
            old, new = (f"select {compared(con, table)} from {side}.{table} where {condition}" for side in ("old", "new"))
            hashed = [con.execute(f"select count(*), sum(hash(rows)) from ({sql}) as rows", parameters).fetchall() for sql in (old, new)]
            if hashed[0] == hashed[1]:
                continue
            rows = con.execute(
                f"(select 'only then', * from ({old} except all {new})) union all (select 'only now', * from ({new} except all {old})) order by 2, 3, 1 limit 4",
                [*parameters, *parameters] * 2,
            ).fetchall()
            if rows:
                found[table] = rows
    return found


def untimely(then: Path, now: Path, models: list[Model], moment: datetime) -> dict[str, list[tuple[Any, ...]]]:
    """Give, by mart, rows of a build that claim to have been known at a moment, and that the archive which ends there does not have."""
    found = {}
    with side_by_side(then, now) as con:
        for table in timed(con, models):
            columns, clock = compared(con, table), OWN_CLOCK.get(table, "null")
            claimed = f"available_at <= $moment and ({clock} is null or {clock} <= $moment)"
            sql = f"select {columns} from new.{table} where {claimed} except all select {columns} from old.{table} limit 4"
            if rows := con.execute(sql, {"moment": moment}).fetchall():
                found[table] = rows
    return found


def timed(con: duckdb.DuckDBPyConnection, models: list[Model]) -> list[str]:
    """Give the marts that say when each row was known."""
    sql = "select format('{}.{}', schema_name, table_name) from duckdb_columns() where database_name = 'new' and column_name = 'available_at'"
    held = {name for (name,) in con.execute(sql).fetchall()}
    return [name for name, _, _ in models if name.startswith("marts.") and name in held]


def hold_as_of(grown: Grown, models: list[Model]) -> None:
    marts = compared_tables(models, decided=False)
    for day, then, as_of in grown:
        assert not (found := differences(then, as_of, marts)), f"as of {day}: {found}"


def hold_afterwards(grown: Grown, models: list[Model], whole: House) -> None:
    tables = [name for name, _, _ in models if name in DECIDED]
    for day, then, _ in grown:
        found = differences(then, whole.settings.warehouse, tables, "as_of_date <= ?", day)
        assert not found, f"decided by {day}: {found}"


def test_the_whole_archive_as_of_a_named_day_is_the_archive_of_that_day(named: Grown, models: list[Model]) -> None:
    hold_as_of(named, models)


def test_scores_and_outlooks_never_change_after_a_named_day(named: Grown, models: list[Model], whole: House) -> None:
    hold_afterwards(named, models, whole)


def test_no_row_claims_to_have_been_known_before_all_it_shows_had_come(named: Grown, models: list[Model], whole: House) -> None:
    for day, then, _ in named:
        assert not (found := untimely(then, whole.settings.warehouse, models, end_of(day))), f"known by {day}: {found}"


def test_most_marts_say_when_each_row_was_known(models: list[Model], whole: House) -> None:
    with duckdb.connect() as con:
        con.execute(f"attach '{whole.settings.warehouse}' as new (read_only)")
        silent = {name for name, _, _ in models if name.startswith("marts.")} - set(timed(con, models))
    # Dimensions describe, and the score has the time of its decision: (b) holds it.
    assert silent == {"marts.dim_commodity", "marts.dim_contract", "marts.dim_trading_day", "marts.fct_sentiment_daily"}


@dataclass(frozen=True)
class Nothing:
    """No payload: only the catalogue is read again."""

    data_origin: DataOrigin = DataOrigin.SAMPLE

    def deliveries(self, sources: Sequence[Source]) -> Iterator[tuple[Request, Response]]:
        yield from ()


@pytest.mark.full
@pytest.mark.parametrize("component_in_force", ["decisions.as_of_date >= components.valid_from", "true"], ids=["by its date", "always the newest"])
def test_a_second_set_of_weights_counts_from_its_date_and_no_score_before_it_changes(
    component_in_force: str, whole: House, models: list[Model], tmp_path: Path
) -> None:
    house = whole.copied(tmp_path / "home")
    first = date(2025, 7, 1)
    shipped = (REPOSITORY / "ingest" / "catalog" / "score.toml").read_text(encoding="utf-8")
    components = re.findall(r"(?ms)^\[\[component\]\].*?(?=^\[\[|\Z)", shipped)
    blocks: dict[str, list[str]] = {}
    for component in components:
        blocks.setdefault(said("block", component), []).append(said("weight", component))
    assert len(components) > 5
    # The weights of a block change hands, so that it carries no more than before.
    later = [
        re.sub(r"(?m)^weight = \d+$", f'valid_from = "{first}"\nweight = {blocks[said("block", component)].pop()}', component)
        for component in components
    ]
    (house.settings.catalog_overlay / "score.toml").write_text(shipped + "\n" + "\n".join(later), encoding="utf-8")
    house.take(Nothing())
    honest = "decisions.as_of_date >= components.valid_from"
    wanted = [(name, kind, sql.replace(honest, component_in_force)) for name, kind, sql in upstream(models, "marts.fct_sentiment_daily")]
    built = house.build(wanted)
    changed = differences(whole.settings.warehouse, built, ["marts.fct_sentiment_daily"], "as_of_date >= ?", first)
    assert changed
    before = query(whole.settings.warehouse, SCORES, first)
    assert len([score for *_, score in before if score is not None]) > 50
    assert (query(built, SCORES, first) == before) is (component_in_force == honest)


def said(key: str, entry: str) -> str:
    (value,) = re.findall(rf"(?m)^{key} = (.+)$", entry)
    return str(value)


SCORES = "select commodity_code, as_of_date, round(score, 9) from marts.fct_sentiment_daily where as_of_date < ? order by all"


@pytest.mark.full
class TestSweep:
    """The same on the other named days, and on every so many days, whatever happens on them."""

    @pytest.fixture(scope="class")
    @classmethod
    def swept(cls, tmp_path_factory: pytest.TempPathFactory, models: list[Model], whole: House) -> Grown:
        sessions = [day for day in load_calendar().sessions if FIRST <= day <= LAST]
        chosen = sessions[-1 - STEP * CHOSEN : -1 : STEP]
        assert len(chosen) == CHOSEN
        others = {day for name, day in NAMED.items() if name not in FIRST_LOOK}
        return grow(tmp_path_factory.mktemp("swept"), models, whole, sorted({*chosen, *others}))

    def test_the_whole_archive_as_of_a_day_is_the_archive_of_that_day(self, swept: Grown, models: list[Model]) -> None:
        hold_as_of(swept, models)

    def test_scores_and_outlooks_never_change_afterwards(self, swept: Grown, models: list[Model], whole: House) -> None:
        hold_afterwards(swept, models, whole)

    def test_no_row_claims_to_have_been_known_before_all_it_shows_had_come(self, swept: Grown, models: list[Model], whole: House) -> None:
        for day, then, _ in swept:
            assert not (found := untimely(then, whole.settings.warehouse, models, end_of(day))), f"known by {day}: {found}"


def test_the_slice_has_scores_and_revisions_that_change_the_past(whole: House) -> None:
    assert query(whole.settings.warehouse, "select count(score) > 100 from marts.fct_sentiment_daily") == [(True,)]
    with duckdb.connect(str(whole.settings.warehouse), read_only=True) as con:
        for table in ("int_contracts__quotes", "int_receipts__levels"):
            assert con.execute(f"select count(*) from intermediate.{table} where is_latest and not is_decided").fetchall()[0][0] > 20, table
        roles = con.execute("select role, count(*) from intermediate.int_series__values where vintage > 1 group by 1").fetchall()
        assert {"spot", "cost_full", "capacity_built"} <= dict(roles).keys()
        assert con.execute("select count(distinct month) from intermediate.int_customs__trade where vintage > 1").fetchall()[0][0] > 1
        assert (
            con.execute(
                "select count(*) from intermediate.int_receipts__levels where vintage = 1 and hour(timezone('Asia/Shanghai', available_at)) = 18"
            ).fetchall()[0][0]
            > 20
        )


def test_on_the_named_days_happens_what_they_are_named_for(named: Grown, whole: House) -> None:
    """A day chosen for something that the slice no longer has on it would prove nothing."""
    ends = {day: then for day, then, _ in named}

    def happened(name: str, sql: str, *, on: Path = whole.settings.warehouse) -> bool:
        ((found,),) = query(on, f"select count(*) > 0 from {sql.format(day=NAMED[name])}")
        return bool(found)

    sessions = [day for day in load_calendar().sessions if day > NAMED["month end, eve of a holiday"]]
    assert sessions[0] == NAMED["a restated month"]
    assert happened("a restated month", "intermediate.int_series__values where vintage > 1 and cast(available_at as date) = '{day}'")
    assert happened("roll", "marts.fct_contract_rolls where commodity_code = 'AO' and roll_date = '{day}'")
    assert happened("delivery, late receipts", "marts.dim_contract where commodity_code = 'AO' and last_trading_day = '{day}'")
    assert happened(
        "delivery, late receipts",
        "intermediate.int_receipts__levels where trade_date = '{day}' and timezone('Asia/Shanghai', available_at) > timestamp '{day} 17:30'",
    )
    quotes = f"marts.fct_futures_daily where commodity_code = 'AO' and trade_date = '{QUOTES_LATE}'"
    assert not happened("a day without its quotes", quotes, on=ends[NAMED["a day without its quotes"]])
    assert happened("late quotes come in", quotes, on=ends[NAMED["late quotes come in"]])
    for table in ("int_contracts__quotes", "int_receipts__levels"):
        assert happened("a slip that is mended later", f"intermediate.{table} where trade_date = '{{day}}' and is_decided and not is_latest"), table
    assert happened("customs release", "intermediate.int_customs__trade where cast(timezone('Asia/Shanghai', available_at) as date) = '{day}'")


@pytest.mark.full
def test_a_page_shows_what_was_restated_since_as_it_was_then(whole: House, models: list[Model], tmp_path: Path) -> None:
    """Customs' month, handed over again in the evening of the day: the release holds the later print alone, which the page must not show."""
    day, home = NAMED["a restated month"], whole.copied(tmp_path / "home")
    folder = home.settings.releases / "r"
    folder.mkdir(parents=True)
    shutil.copy(whole.settings.warehouse, folder / FILE_NAME)
    with duckdb.connect(str(folder / FILE_NAME)) as con:  # as a home of real data publishes it
        con.execute("create table serving.claim_facts as select *, 0.0 as uncertainty from intermediate.int_facts__printed")
    seal(folder, "r")
    home.settings.serving.symlink_to(folder)
    prints = "select qty_t from intermediate.int_customs__trade where commodity_code = 'AO' and month = date '2025-04-01' and flow = 'export' and partner_code = 'all' and vintage = {} order by length(hs_code) desc limit 1"
    first, second = (query(whole.settings.warehouse, prints.format(vintage))[0][0] for vintage in (1, 2))

    left_out, *told = find(home.settings, day, "AO")
    assert left_out.restated > 0
    assert left_out.readings.all()["exports"].data_date < date(2025, 4, 1)
    assert f"{left_out.restated} figures in force at the decision were restated later" in html(left_out)
    assert told == [left_out.restated, "2025-06-03 17:30", ""]

    build = home.settings.model_copy(update={"as_of": left_out.known.decision_at})
    home.build(models, build.as_of)
    assert list(find(home.settings, day, "AO")[1:]) == told, "a build that is not whole is not read"
    write_note(build.built, {"as_of": str(build.as_of), "at": "2026-11-30T17:00:00+08:00"})
    shown, *told = find(home.settings, day, "AO")
    assert (shown.restated, shown.readings.all()["exports"].data_date, shown.readings.all()["exports"].figure) == (0, date(2025, 4, 1), first)
    assert first != second
    assert told == [left_out.restated, "2025-06-03 17:30", "2026-11-30 17:00"]


@pytest.mark.parametrize(
    ("leak", "honest", "leaking"),
    [
        ("no horizon", "coalesce((select max(horizon.as_of)", "coalesce((select max(cast(null as timestamptz))"),
        ("revisions reach back", "where is_decided", "where is_latest"),
    ],
)
def test_a_leak_put_in_is_seen(leak: str, honest: str, leaking: str, named: Grown, models: list[Model], whole: House, tmp_path: Path) -> None:
    assert any(honest in sql for _, _, sql in models), leak
    day, then, _ = named[len(named) // 2]
    tables = compared_tables(models) if leak == "no horizon" else list(DECIDED)
    broken = [(name, kind, sql.replace(honest, leaking)) for name, kind, sql in upstream(models, *tables)]
    built = whole.copied(tmp_path / "home").build(broken, end_of(day) if leak == "no horizon" else None)
    condition = "true" if leak == "no horizon" else f"as_of_date <= date '{day}'"
    assert differences(then, built, tables, condition)
