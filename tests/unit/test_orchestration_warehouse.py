"""`raw` follows the lake: loading twice is loading once, and loading step by step is loading at once."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from feeds import NOON, QUOTE_HEADER, Home, answer, csv_file, delivery, quote
from test_sources_policy import flash

from ingest.archive import Attempt
from ingest.catalog.documents import SHIPPED
from ingest.flow import ingest
from ingest.lake import Batch, Lake, LakeError
from ingest.origins import CatalogOrigin
from ingest.settings import Settings
from ingest.source import DataOrigin, Outcome
from ingest.sources.catalog import Catalog
from ingest.sources.policy import TONE
from ingest.sources.shfe import Shfe
from orchestration.warehouse import load as warehouse
from orchestration.warehouse.load import WarehouseBusyError, connect, load_raw, write_lock
from quality.fields import FIELDS
from quality.raw import TABLES, RawTable
from serving import read
from serving.read import UnreadableError
from tests.reliability.flips import flip

QUOTES, SPOT, QUARANTINE = "shfe__daily_quotes", "spot__quotes", "ingest__quarantine"
KX = delivery("kx20250716.dat", answer([quote(), quote(month="2510")]))
SPOT_FILE = delivery(
    "smm_spot_price_20250716.csv", csv_file("2025-07-16,山东氧化铝,3080,3120,3100,,元/吨,SD,SMM,山东,日,2025-07-16 11:40", header=QUOTE_HEADER)
)


@pytest.fixture(autouse=True)
def _few_tables(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Making every table takes a third of a second; most tests speak of these only."""
    if "every_table" not in request.fixturenames:
        monkeypatch.setattr(warehouse, "TABLES", {name: TABLES[name] for name in (QUOTES, SPOT, QUARANTINE, "ingest__receipts")})


@pytest.fixture
def every_table() -> None:
    """Ask for all tables."""


def catalog(home: Home) -> None:
    ingest([Catalog()], CatalogOrigin(home.settings.catalog_overlay), home.archive, home.lake, "run")


def rows(settings: Settings, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    with connect(settings, read_only=True) as con:
        return sorted(con.execute(f'select {columns} from raw."{table}"').fetchall(), key=repr)


def content(settings: Settings, but: Sequence[str] = ()) -> str:
    """Hash of everything in `raw`, order and some tables aside."""
    with connect(settings, read_only=True) as con:
        held = {name: sorted(con.execute(f'select * from raw."{name}"').fetchall(), key=repr) for name in warehouse.TABLES if name not in but}
    return hashlib.sha256(repr(held).encode()).hexdigest()


def from_scratch(settings: Settings) -> str:
    """What `raw` would hold if the working file were made anew."""
    kept = settings.warehouse.rename(settings.root / "kept.duckdb")
    load_raw(settings)
    anew = content(settings)
    settings.warehouse.unlink()
    kept.rename(settings.warehouse)
    return anew


def test_an_empty_home_gives_every_table_empty_and_with_its_declared_columns(settings: Settings, every_table: None) -> None:
    settings.root.mkdir(parents=True)
    assert load_raw(settings) == dict.fromkeys(TABLES, 0) | {"ingest__horizon": 1}
    with connect(settings, read_only=True) as con:
        for name, table in TABLES.items():
            found = con.execute(
                "select column_name, data_type from information_schema.columns where table_schema = 'raw' and table_name = ? order by ordinal_position",
                [name],
            ).fetchall()
            assert found == [(column, str(FIELDS[column].kind)) for column in table.stored_schema]


def test_loading_appends_what_the_lake_gained(home: Home) -> None:
    home.take(KX)
    assert load_raw(home.settings)[QUOTES] == 2
    home.take(delivery("kx20250717.dat", answer([quote()], day=date(2025, 7, 17))), SPOT_FILE)
    counts = load_raw(home.settings)
    assert (counts[QUOTES], counts[SPOT], counts["ingest__receipts"]) == (3, 1, 3)
    assert content(home.settings) == from_scratch(home.settings)


def test_what_is_loaded_is_what_the_lake_holds(home: Home) -> None:
    home.take(KX)
    load_raw(home.settings)
    columns = "product_id, delivery_month_code, settle_price, volume_lots, trade_date, payload_sha256"
    lake = home.rows(QUOTES).select(*columns.split(", ")).rows()
    assert rows(home.settings, QUOTES, columns) == sorted(lake, key=repr)
    ((fetched_at, published_at),) = set(rows(home.settings, QUOTES, "fetched_at, published_at"))
    assert fetched_at == NOON
    assert f"{published_at:%Y-%m-%d %H:%M:%S%z}" == "2025-07-16 15:29:40+0800"


def test_loading_again_changes_nothing(home: Home, every_table: None) -> None:
    catalog(home)
    home.take(KX, SPOT_FILE)
    first, before = load_raw(home.settings), content(home.settings)
    assert load_raw(home.settings) == first
    assert content(home.settings) == before
    assert first[QUOTES] == 2
    assert first["catalog__parameters"] > 5


def test_a_payload_parsed_anew_replaces_its_own_rows_and_no_others(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.take(KX, delivery("kx20250717.dat", answer([quote()], day=date(2025, 7, 17))))
    load_raw(home.settings)
    monkeypatch.setattr(Shfe, "parser_version", "3-test")
    home.take(KX)
    assert load_raw(home.settings)[QUOTES] == 3
    assert rows(home.settings, QUOTES, "trade_date, delivery_month_code, parser_version") == [
        (date(2025, 7, 16), "2509", "3-test"), (date(2025, 7, 16), "2510", "3-test"), (date(2025, 7, 17), "2509", "3"),
    ]  # fmt: skip
    assert content(home.settings) == from_scratch(home.settings)


def test_a_payload_parsed_anew_takes_back_rows_its_new_reading_no_longer_gives(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    # The first parser put a row into quarantine; the second understands it, so that nothing is in quarantine any more.
    odd = delivery("kx20250716.dat", answer([quote(), quote(month="2510", OPENPRICE="开盘")]))
    good = delivery("kx20250716.dat", answer([quote(), quote(month="2510")]))
    home.take(odd)
    load_raw(home.settings)
    assert len(rows(home.settings, QUARANTINE)) == 1
    parse = Shfe.parse
    monkeypatch.setattr(Shfe, "parser_version", "3-test")
    monkeypatch.setattr(Shfe, "parse", lambda self, request, _: parse(self, request, good[1].body))
    home.take(odd)
    load_raw(home.settings)
    assert len(rows(home.settings, QUOTES)) == 2
    assert content(home.settings) == from_scratch(home.settings), "step by step and at once must give the same"
    assert rows(home.settings, QUARANTINE) == []


def test_a_lexicon_that_was_changed_and_changed_back_gives_its_first_tones_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse, "TABLES", {name: TABLES[name] for name in (TONE, "ingest__receipts")})
    told = json.dumps({"code": 200, "data": {"dataList": [flash(contentText="【氧化铝大幅减产】x")]}}, ensure_ascii=False)
    news = delivery("shmet_newsflash.json", told.encode())
    mine = home.settings.catalog_overlay / "lexicon.toml"
    mine.parent.mkdir(parents=True)
    held = []
    for is_changed in (False, True, False, True, False, False):
        if is_changed:
            mine.write_text((SHIPPED / mine.name).read_text(encoding="utf-8").replace('"大幅" = 2.0', '"大幅" = 3.0'), encoding="utf-8")
        else:
            mine.unlink(missing_ok=True)
        home.take(news)
        load_raw(home.settings)
        held.append(content(home.settings, but=("ingest__receipts",)))
        assert content(home.settings) == from_scratch(home.settings)
    assert held[0] != held[1]
    assert held == [held[0], held[1], held[0], held[1], held[0], held[0]]
    assert len(list(home.lake.batches())) == 5, "the same lexicon once more commits nothing"


def test_configuration_is_replaced_by_its_newest_state_and_back(home: Home, every_table: None) -> None:
    overlay = home.settings.catalog_overlay / "regions.toml"
    catalog(home)
    shipped = load_raw(home.settings)["catalog__regions"]
    overlay.parent.mkdir(parents=True)
    text = (SHIPPED / "regions.toml").read_text(encoding="utf-8").replace("chongqing = ", "mars = ")
    overlay.write_text(text, encoding="utf-8")
    catalog(home)
    assert load_raw(home.settings)["catalog__regions"] == shipped
    held = rows(home.settings, "catalog__regions", "region")
    assert ("mars",) in held and ("chongqing",) not in held
    overlay.unlink()
    catalog(home)
    assert load_raw(home.settings)["catalog__regions"] == shipped > 1
    assert ("mars",) not in rows(home.settings, "catalog__regions", "region")


def test_configuration_taken_away_by_the_operator_is_gone(home: Home, every_table: None) -> None:
    # A newer state without any row for a table is a state too; the rows of the older one must not stay.
    catalog(home)
    assert load_raw(home.settings)["catalog__series"] > 0
    overlay = home.settings.catalog_overlay / "commodities"
    overlay.mkdir(parents=True)
    for shipped in (SHIPPED / "commodities").glob("*.toml"):
        (overlay / shipped.name).write_text(shipped.read_text(encoding="utf-8").partition("[[series]]")[0], encoding="utf-8")
    catalog(home)
    counts = load_raw(home.settings)
    assert counts["catalog__commodities"] == len(list((SHIPPED / "commodities").glob("*.toml")))
    assert counts["catalog__series"] == 0


def test_receipts_are_the_archives_and_every_attempt_is_one_row(home: Home) -> None:
    home.take(KX)
    home.take(KX, delivery("notes.txt", b"x"))
    load_raw(home.settings)
    load_raw(home.settings)
    assert rows(home.settings, "ingest__receipts", "request_name, outcome, reason, data_origin, source") == [
        ("kx20250716.dat", "ok", "", "files", "shfe"),
        ("kx20250716.dat", "unchanged", "", "files", "shfe"),
        ("notes.txt", "not_data", "no_reader", "files", "unread"),
    ]


def test_a_failure_is_in_raw_what_it_is_in_the_receipt(home: Home) -> None:
    late = Attempt(NOON, "run", "shfe", "pm", "20250716", "pm20250716.dat", Outcome.NOT_PUBLISHED, "not_found", "404", 404, 0, None, DataOrigin.LIVE)
    overdue = replace(late, attempted_at=NOON + timedelta(hours=1), reason="overdue")
    home.archive.record([late, overdue, replace(overdue, feed="kx", outcome=Outcome.OK, reason="")])
    load_raw(home.settings)
    assert rows(home.settings, "ingest__receipts", "feed, reason, is_failure") == [
        ("kx", "", False),
        ("pm", "not_found", False),
        ("pm", "overdue", True),
    ]


def test_a_table_whose_columns_changed_is_made_anew_from_the_lake(home: Home) -> None:
    home.take(KX, SPOT_FILE)
    load_raw(home.settings)
    before = content(home.settings)
    with connect(home.settings) as con:
        con.execute(f'alter table raw."{QUOTES}" drop column settle_price')
        con.execute(f'create view after as select volume_lots from raw."{QUOTES}"')
    assert load_raw(home.settings)[QUOTES] == 2
    assert content(home.settings) == before


def test_a_table_whose_types_changed_is_made_anew_from_the_lake(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.take(KX)
    load_raw(home.settings)
    before = content(home.settings)
    with connect(home.settings) as con:
        con.execute(f'alter table raw."{QUOTES}" alter column volume_lots type integer')
    load_raw(home.settings)
    assert content(home.settings) == before


def test_a_lake_file_that_changed_on_disk_stops_the_load_and_leaves_raw_as_it_was(home: Home) -> None:
    home.take(SPOT_FILE)
    load_raw(home.settings)
    before = content(home.settings)
    home.take(KX)
    (file,) = [file for batch in home.lake.batches() for file in batch.files if file.table == QUOTES]
    (home.settings.lake / file.path).write_bytes(b"rotten")
    with pytest.raises(LakeError, match="alumina rebuild"):
        load_raw(home.settings)
    assert content(home.settings) == before


def test_a_load_that_fails_half_way_leaves_raw_as_it_was(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.take(KX)
    load_raw(home.settings)
    before = content(home.settings)
    home.take(SPOT_FILE, delivery("kx20250717.dat", answer([quote()], day=date(2025, 7, 17))))
    with monkeypatch.context() as patch:

        def fail(con: duckdb.DuckDBPyConnection, table: RawTable, archive: object) -> None:
            raise RuntimeError("killed")

        patch.setattr(warehouse, "_replace", fail)
        with pytest.raises(RuntimeError, match="killed"):
            load_raw(home.settings)
    assert content(home.settings) == before
    assert load_raw(home.settings)[QUOTES] == 3


def test_two_runs_that_read_the_same_payload_at_once_count_it_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each reads it before the other has committed it.
    other, commit = Home(home.settings), Lake.commit

    def after_the_other(self: Lake, *arguments: Any, **options: Any) -> Batch:
        monkeypatch.setattr(Lake, "commit", commit)
        other.take((KX[0], replace(KX[1], fetched_at=NOON + timedelta(minutes=1))))
        return commit(self, *arguments, **options)

    monkeypatch.setattr(Lake, "commit", after_the_other)
    home.take(KX, SPOT_FILE)
    assert len(home.fetch_log()) == 3
    assert home.lake.verify() == 2, "one file of quotes, one of spot"
    assert load_raw(home.settings)[QUOTES] == 2
    assert load_raw(home.settings)[SPOT] == 1
    assert rows(home.settings, QUOTES, "distinct fetched_at") == [(NOON,)]


def test_a_lake_made_anew_takes_the_place_of_the_one_that_was_loaded(home: Home) -> None:
    home.take(KX)
    load_raw(home.settings)
    home.lake.clear()
    load_raw(home.settings)
    assert rows(home.settings, QUOTES) == []
    home.take(SPOT_FILE)
    assert load_raw(home.settings)[QUOTES] == 2, "the archive has it"
    assert content(home.settings) == from_scratch(home.settings)


def test_a_rewritten_file_keeps_both_vintages(home: Home) -> None:
    home.take(KX)
    home.take(delivery("kx20250716.dat", answer([quote(SETTLEMENTPRICE=3026)]), NOON + timedelta(days=1)))
    assert load_raw(home.settings)[QUOTES] == 3


# ---------------------------------------------------------------- who may write

HOLD = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
sys.stdin.read()
"""
LOCK = """
import sys
from ingest.settings import Settings
from ingest.source import DataOrigin, Outcome
from orchestration.warehouse.load import write_lock
with write_lock(Settings(), "the nightly load"):
    print("open", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run code until the block ends; it holds what it holds once it has said so."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.communicate()
        assert process.returncode == 0


def test_a_reader_in_another_program_is_named_as_the_reason_and_told_where_to_read_instead(home: Home) -> None:
    home.take(KX)
    load_raw(home.settings)
    with another_process(HOLD, str(home.settings.warehouse), "read"):
        with pytest.raises(WarehouseBusyError) as caught:
            load_raw(home.settings)
        message = str(caught.value)
        assert str(home.settings.warehouse) in message
        assert "open in another program" in message
        assert f"{home.settings.serving}/alumina.duckdb" in message
        assert rows(home.settings, QUOTES), "reading beside a reader is allowed"
    assert load_raw(home.settings)[QUOTES] == 2


def test_a_file_that_is_no_warehouse_is_not_called_busy(settings: Settings) -> None:
    settings.root.mkdir(parents=True)
    settings.warehouse.write_bytes(b"not a database, " * 1_000)
    with pytest.raises(warehouse.WarehouseError, match=r"warehouse\.duckdb cannot be opened .*alumina rebuild") as caught:
        load_raw(settings)
    assert not isinstance(caught.value, WarehouseBusyError)


def test_a_lock_held_by_another_process_names_its_holder(home: Home) -> None:
    with another_process(LOCK) as process:
        with pytest.raises(WarehouseBusyError) as caught, write_lock(home.settings, "mine"):
            raise AssertionError("two writers at once")
        assert str(home.settings.root) in str(caught.value)
        assert "the nightly load" in str(caught.value)
        assert f"process {process.pid}" in str(caught.value)
    with write_lock(home.settings, "mine"):
        pass


def test_the_lock_is_given_back_when_the_work_fails(settings: Settings) -> None:
    def fail() -> None:
        with write_lock(settings, "mine"):
            assert (settings.root / "warehouse.holder.json").is_file()
            raise RuntimeError("work failed")

    with pytest.raises(RuntimeError, match="work failed"):
        fail()
    assert not (settings.root / "warehouse.holder.json").exists()
    with write_lock(settings, "again"):
        pass


def test_a_holder_that_died_does_not_keep_the_lock(home: Home) -> None:
    with another_process(LOCK + "    import os; os._exit(0)\n"):
        pass
    assert (home.settings.root / "warehouse.holder.json").is_file(), "it died without clearing up"
    with write_lock(home.settings, "mine"):
        pass
    assert not (home.settings.root / "warehouse.holder.json").exists()


def test_a_lock_without_a_note_is_still_a_lock(home: Home) -> None:
    with another_process(LOCK):
        (home.settings.root / "warehouse.holder.json").write_text("cut")
        with pytest.raises(WarehouseBusyError, match="another process"), write_lock(home.settings, "mine"):
            raise AssertionError("two writers at once")


def _rot(path: Path, table: str) -> None:
    """Change a bit in a block of a table's rows."""
    with duckdb.connect(str(path), read_only=True) as con:
        ((block,),) = con.execute(f"select max(block_id) from pragma_storage_info('{table}')").fetchall()
    flip(path, 3 * 4096 + block * 262_144 + 1000)  # three headers of 4 KiB, then blocks


def test_a_block_that_has_rotted_is_a_sentence_when_it_is_read(settings: Settings) -> None:
    settings.root.mkdir(parents=True)
    with warehouse.connect(settings) as con:
        con.execute("create table rows as select hash(range) as value from range(200000)")
    _rot(settings.warehouse, "rows")
    said = r"has changed on disk \(.*\); it can be made again from the archive: alumina rebuild"
    with pytest.raises(warehouse.WarehouseError, match=said) as told, warehouse.connect(settings, read_only=True) as con:  # the file opens
        con.execute("select sum(value) from rows").fetchall()
    assert "\n" not in str(told.value)
    aside = settings.model_copy(update={"as_of": datetime(2025, 7, 22, tzinfo=UTC)})
    aside.workshop.mkdir(parents=True)
    settings.warehouse.rename(aside.warehouse)
    with pytest.raises(UnreadableError, match=re.escape(f"delete {aside.workshop} and build it again")), read.connect(aside) as con:
        con.execute("select sum(value) from rows").fetchall()
    with pytest.raises(duckdb.CatalogException), read.connect(aside) as con:  # any other error stays what it is
        con.execute("select * from nowhere")
