"""Point in time, the master tests: history built today with a horizon is history as it was built then.

(a) For twenty days T, the whole archive built as of T equals an archive that never got anything after T, in every mart.
(b) In the normal build the rows of score and outlook decided by T equal those of the archive that ends at T.

The archive that ends at T grows as a desk's would: day by day, with vendor files handed over again and again. The models run as
compiled by dbt, statement by statement, so that forty builds take minutes.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.catalog.calendar import load_calendar
from ingest.origins import SampleOrigin
from ingest.source import SHANGHAI, DataOrigin, Request, Response, Source
from tests.pipeline.conftest import House

FIRST, LAST = date(2025, 4, 21), date(2025, 7, 23)
STEP = 3
CHOSEN = 20
# The bytes of a vendor's month file depend on the day it was exported; the figures in it do not.
NOT_COMPARED = ("payload_sha256", "inputs_hash")
DECIDED = ("marts.fct_sentiment_daily", "serving.outlook_v1", "serving.outlook_drivers")


REVISED_AFTER = timedelta(days=2, hours=4)
REVISE_EVERY = 5


class Revising:
    """The sample with a slip in every fifth day's exchange files, mended two days later by a file of the same name."""

    data_origin = DataOrigin.SAMPLE

    def __init__(self, first: date, last: date) -> None:
        self.first, self.last = first, last

    def deliveries(self, sources: Sequence[Source]) -> Iterator[tuple[Request, Response]]:
        # A file mended after the slice's first day may belong to a day before it.
        found = [*SampleOrigin(self.first, self.last).deliveries(sources)]
        earlier = SampleOrigin(max(FIRST, self.first - timedelta(days=9)), self.last).deliveries([s for s in sources if s.name == "shfe"])
        for request, response in earlier:
            if request.day and request.feed in ("kx", "dailystock") and request.day.toordinal() % REVISE_EVERY == 0:
                mended = Response(revised(response.body), response.fetched_at + REVISED_AFTER, status=200)
                if self.first <= mended.fetched_at.astimezone(SHANGHAI).date() <= self.last:
                    found.append((request, mended))
        yield from sorted(found, key=lambda item: item[1].fetched_at)


def revised(body: bytes) -> bytes:
    document = json.loads(body)
    for row in document.get("o_curinstrument", []):
        for name, factor in (("CLOSEPRICE", 1.01), ("OPENINTEREST", 1.4), ("VOLUME", 1.1)):
            if row.get(name) not in (None, ""):
                row[name] = round(float(row[name]) * factor)
    for row in document.get("o_cursor", []):
        if str(row.get("WRTWGHTS", "")).strip() not in ("", "0"):
            row["WRTWGHTS"] = type(row["WRTWGHTS"])(int(row["WRTWGHTS"]) + 300)
    return json.dumps(document, ensure_ascii=False).encode()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, models: list[tuple[str, str, str]]) -> House:
    """The archive with everything, built normally."""
    house = House(tmp_path_factory.mktemp("whole"))
    house.take(Revising(FIRST, LAST))
    house.build(models)
    return house


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, models: list[tuple[str, str, str]], whole: House) -> Iterator[list[tuple[date, Path, Path]]]:
    """For each chosen day: the archive that ends there, built then, and the whole archive built as of the end of that day."""
    sessions = [day for day in load_calendar().sessions if FIRST <= day <= LAST]
    chosen = sessions[-1 - STEP * CHOSEN : -1 : STEP]
    house = House(tmp_path_factory.mktemp("grown"))
    found, begin = [], FIRST
    for day in chosen:
        house.take(Revising(begin, day))
        found.append((day, house.build(models, end_of(day)), whole.build(models, end_of(day))))
        begin = day + timedelta(days=1)
    return found


def end_of(day: date) -> datetime:
    return datetime.combine(day, time(23, 59, 59), SHANGHAI)


def compared(con: duckdb.DuckDBPyConnection, table: str) -> str:
    columns = con.execute(f"select column_name, column_type from (describe new.{table})").fetchall()
    # A sum over many rows depends on their order in the last of its sixteen digits.
    return ", ".join(f'round("{name}", 9) as "{name}"' if kind == "DOUBLE" else f'"{name}"' for name, kind in columns if name not in NOT_COMPARED)


def differences(then: Path, now: Path, tables: list[str], condition: str = "true", *parameters: Any) -> dict[str, list[tuple[Any, ...]]]:
    found = {}
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        con.execute(f"attach '{then}' as old (read_only)")
        con.execute(f"attach '{now}' as new (read_only)")
        for table in tables:
            columns = compared(con, table)
            old, new = (f"select {columns} from {side}.{table} where {condition}" for side in ("old", "new"))
            rows = con.execute(
                f"(select 'only then', * from ({old} except all {new})) union all (select 'only now', * from ({new} except all {old})) order by 2, 3, 1 limit 4",
                [*parameters, *parameters] * 2,
            ).fetchall()
            if rows:
                found[table] = rows
    return found


def test_the_whole_archive_as_of_a_day_is_the_archive_of_that_day(grown: list[tuple[date, Path, Path]], models: list[tuple[str, str, str]]) -> None:
    marts = [name for name, _, _ in models if name.startswith("marts.")]
    assert len(grown) == CHOSEN
    for day, then, as_of in grown:
        assert not (found := differences(then, as_of, marts)), f"as of {day}: {found}"


def test_scores_and_outlooks_never_change_afterwards(grown: list[tuple[date, Path, Path]], models: list[tuple[str, str, str]], whole: House) -> None:
    tables = [name for name, _, _ in models if name in DECIDED]
    for day, then, _ in grown:
        found = differences(then, whole.settings.warehouse, tables, "as_of_date <= ?", day)
        assert not found, f"decided by {day}: {found}"


def test_the_slice_has_revisions_that_change_the_past(whole: House) -> None:
    with duckdb.connect(str(whole.settings.warehouse), read_only=True) as con:
        for table in ("int_contracts__quotes", "int_receipts__levels"):
            assert con.execute(f"select count(*) from intermediate.{table} where is_latest and not is_decided").fetchall()[0][0] > 20, table


@pytest.mark.parametrize(
    ("leak", "honest", "leaking"),
    [
        ("no horizon", "coalesce((select max(horizon.as_of)", "coalesce((select max(cast(null as timestamptz))"),
        ("revisions reach back", "where is_decided", "where is_latest"),
    ],
)
def test_a_leak_put_in_is_seen(
    leak: str, honest: str, leaking: str, grown: list[tuple[date, Path, Path]], models: list[tuple[str, str, str]], whole: House
) -> None:
    assert any(honest in sql for _, _, sql in models), leak
    broken = [(name, kind, sql.replace(honest, leaking)) for name, kind, sql in models]
    day, then, _ = grown[len(grown) // 2]
    tables = [name for name, _, _ in models if name.startswith("marts.") or name in DECIDED]
    built = whole.build(broken, end_of(day) + timedelta(seconds=1) if leak == "no horizon" else None)
    condition = "true" if leak == "no horizon" else f"as_of_date <= date '{day}'"
    tables = [name for name in tables if leak == "no horizon" or name in DECIDED]
    assert differences(then, built, tables, condition)
