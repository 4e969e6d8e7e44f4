"""Point in time, the master tests: history built today with a horizon is history as it was built then.

(a) For twenty days T, the whole archive built as of T equals an archive that never got anything after T, in every mart.
(b) In the normal build the rows of score and outlook decided by T equal those of the archive that ends at T.

The archive that ends at T grows as a desk's would: day by day, with vendor files handed over again and again. The models run as
compiled by dbt, statement by statement, so that forty builds take minutes.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.archive import Archive
from ingest.catalog.calendar import load_calendar
from ingest.flow import ingest
from ingest.lake import Lake
from ingest.origins import CatalogOrigin, SampleOrigin
from ingest.settings import Settings
from ingest.source import SHANGHAI, DataOrigin, Request, Response, Source
from ingest.sources import SOURCES
from orchestration.dbt import PRODUCTION, PROJECT, build_command, environment
from orchestration.warehouse import load_raw

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


class House:
    """One home, filled by the sample and built without Dagster."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(home=root)
        self.run = 0

    def take(self, first: date, last: date) -> None:
        archive, lake = Archive(self.settings.archive), Lake(self.settings.lake)
        catalog, others = [s for s in SOURCES if s.name == "catalog"], [s for s in SOURCES if s.name != "catalog"]
        self.run += 1
        ingest(catalog, CatalogOrigin(), archive, lake, f"run {self.run}")
        ingest(others, Revising(first, last), archive, lake, f"run {self.run}")

    def build(self, models: list[tuple[str, str, str]], as_of: datetime | None = None) -> Path:
        settings = self.settings.model_copy(update={"as_of": as_of})
        settings.workshop.mkdir(parents=True, exist_ok=True)
        load_raw(settings)
        with duckdb.connect(str(settings.warehouse)) as con:
            con.execute("set TimeZone = 'Asia/Shanghai'")
            for schema in {name.split(".")[0] for name, _, _ in models}:
                con.execute(f"create schema if not exists {schema}")
            for name, kind, sql in models:
                con.execute(f"create or replace {kind} {name} as {sql}")
        return settings.warehouse


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """Every model as (name, view or table, compiled SQL), in the order of their dependencies."""
    settings = Settings(home=tmp_path_factory.mktemp("compiled"))
    load_raw(settings)
    command = ["compile" if word == "build" else word for word in build_command(settings) if word not in PRODUCTION]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ | environment(settings), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    manifest = json.loads((settings.root / "dbt" / "manifest.json").read_text())
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    order = TopologicalSorter({key: [up for up in node["depends_on"]["nodes"] if up in nodes] for key, node in nodes.items()}).static_order()
    return [(f"{nodes[key]['schema']}.{nodes[key]['alias']}", nodes[key]["config"]["materialized"], nodes[key]["compiled_code"]) for key in order]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, models: list[tuple[str, str, str]]) -> House:
    """The archive with everything, built normally."""
    house = House(tmp_path_factory.mktemp("whole"))
    house.take(FIRST, LAST)
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
        house.take(begin, day)
        then = house.build(models).rename(house.settings.root / f"then_{day}.duckdb")
        house.settings.warehouse.with_suffix(".duckdb.wal").unlink(missing_ok=True)
        as_of = datetime.combine(day, time(0), SHANGHAI) + timedelta(days=1)
        found.append((day, then, whole.build(models, as_of)))
        begin = day + timedelta(days=1)
    return found


def compared(con: duckdb.DuckDBPyConnection, table: str) -> str:
    columns = con.execute(f"select column_name from (describe new.{table})").fetchall()
    return ", ".join(f'"{name}"' for (name,) in columns if name not in NOT_COMPARED)


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
    as_of = datetime.combine(day, time(0), SHANGHAI) + timedelta(days=1)
    tables = [name for name, _, _ in models if name.startswith("marts.") or name in DECIDED]
    built = whole.build(broken, as_of + timedelta(seconds=1) if leak == "no horizon" else None)
    condition = "true" if leak == "no horizon" else f"as_of_date <= date '{day}'"
    tables = [name for name in tables if leak == "no horizon" or name in DECIDED]
    assert differences(then, built, tables, condition)
