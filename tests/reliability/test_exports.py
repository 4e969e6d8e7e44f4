"""Files for spreadsheets: no cell runs as a formula, Excel reads the Chinese, numbers are numbers, and only published tables leave."""

import codecs
import csv
import io
import math
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from ingest.settings import Settings
from serving.cells import safe
from serving.publish import release, spreadsheets
from serving.publish.spreadsheets import UnfitError, UnknownTableError, Wanted, export_csv, export_workbook
from serving.read import NothingPublishedError
from tests.reliability import readers

HOSTILE = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(\"http://x\",\"y\")", "-", "+", "-1 OR 1=1", "+１", "＝1", "＋1", "－1", "＠x", "\n=1", "-0x10", "--1")  # fmt: skip
HARMLESS = ("AO2509", "-12.5", "+3", "-1e-3", "铝土矿，几内亚", 'say "so", twice', "two\nlines", "", "-.5", "1=1")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home that nobody changes."""
    return hostile_home(tmp_path_factory.mktemp("exports") / "home")


def hostile_home(home: Path) -> Settings:
    """Publish a release whose outlook says hostile things."""
    settings = readers.small_home(home)
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("delete from serving.outlook_v2")
        for number, text in enumerate((*HOSTILE, *HARMLESS)):
            con.execute(
                "insert into serving.outlook_v2 by name select 'AO' as commodity_code, 'short' as horizon, cast(? as date) + cast(? as integer) as as_of_date, ? as headline_zh, -1.5 as sentiment_score, 358.17999999999984 as close_cny_t, "
                "timestamptz '2025-07-22 17:30:00+08' as decision_at, 'sample' as data_origin",
                [date(2025, 1, 1), number, text],
            )
    with readers.nothing_but_the_swap():
        release.publish(settings, "test", [release.CheckResult("columns", "test", "pass", "serving.outlook_v2", 0, "")])
    return settings


def csv_of(settings: Settings, table: str, **wanted: Any) -> bytes:
    return b"".join(export_csv(settings, Wanted(table, **wanted)))


def sheet_of(settings: Settings, table: str, **wanted: Any) -> Workbook:
    book = io.BytesIO()
    export_workbook(settings, Wanted(table, **wanted), book)
    return load_workbook(book)


def rows_of(blocks: bytes) -> list[dict[str, str]]:
    assert blocks.startswith(codecs.BOM_UTF8)
    return list(csv.DictReader(io.StringIO(blocks.decode("utf-8-sig"), newline="")))


def test_hostile_texts_are_quoted_and_others_are_left_alone(settings: Settings) -> None:
    rows = rows_of(csv_of(settings, "outlook"))
    assert [row["headline_zh"] for row in rows] == [*(f"'{text}" for text in HOSTILE), *HARMLESS]
    told = {(row["score"], row["decision_at"], row["decision_at_sh"], row["close_cny_t"], row["stance"]) for row in rows}
    assert told == {("-1.5", "2025-07-22 17:30:00+08:00", "2025-07-22 17:30:00", "358.18", "")}


def test_a_workbook_holds_numbers_and_dates_and_texts_that_do_not_run(settings: Settings) -> None:
    sheet = sheet_of(settings, "outlook")["outlook"]
    header, *rows = (list(row) for row in sheet.iter_rows())
    place = {cell.value: number for number, cell in enumerate(header)}
    texts = [row[place["headline_zh"]] for row in rows]
    # The empty text is an empty cell to whoever reads the file, a carriage return a line break.
    assert [(cell.value or "").replace("_x000D_", "\r") for cell in texts] == [text.replace("\r", "\r") for text in (*HOSTILE, *HARMLESS)]
    assert {cell.data_type for cell in texts if cell.value} == {"s"}
    first = {name: rows[0][number].value for name, number in place.items()}
    assert (first["close_cny_t"], first["score"], first["stance"]) == (358.18, -1.5, None)
    assert (first["as_of_date"], first["decision_at"]) == (datetime(2025, 1, 1), datetime(2025, 7, 22, 17, 30))
    assert sheet.freeze_panes == "D2"


def test_a_workbook_explains_its_columns_with_their_unit(settings: Settings) -> None:
    book = sheet_of(settings, "outlook", chinese=True)
    assert "收盘价 [CNY/t]" in [cell.value for cell in book["outlook"][1]]
    told = {row[0]: row[1] for row in book["columns"].iter_rows(values_only=True)}
    assert (told["close_cny_t"], told["decision_at"], told["data_origin"]) == ("CNY/t", "instant", "-")


def test_equal_releases_give_equal_files(tmp_path: Path) -> None:
    settings = hostile_home(tmp_path / "home")
    before = io.BytesIO(), csv_of(settings, "outlook_v2")
    export_workbook(settings, Wanted("outlook_v2"), before[0])
    with duckdb.connect(str(settings.warehouse)) as con:  # the same rows in another order
        con.execute("create table aside as from serving.outlook_v2; delete from serving.outlook_v2")
        con.execute("insert into serving.outlook_v2 from aside order by as_of_date desc")
    readers.swap(settings, 1)
    after = io.BytesIO(), csv_of(settings, "outlook_v2")
    export_workbook(settings, Wanted("outlook_v2"), after[0])
    assert (before[0].getvalue(), before[1]) == (after[0].getvalue(), after[1])


def test_rows_can_be_asked_from_a_day_on_and_of_one_commodity(settings: Settings) -> None:
    assert len(rows_of(csv_of(settings, "outlook", since=date(2025, 1, 20)))) == len(HOSTILE) + len(HARMLESS) - 19
    assert rows_of(csv_of(settings, "outlook", commodity="al")) == []
    assert len(rows_of(csv_of(settings, "outlook", commodity="ao"))) == len(HOSTILE) + len(HARMLESS)
    with pytest.raises(UnfitError, match="no day in its key"):
        csv_of(settings, "publication", since=date(2025, 1, 20))
    with pytest.raises(UnfitError, match="not about commodities"):
        csv_of(settings, "publication", commodity="AO")


def test_what_a_sheet_cannot_hold_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "_MOST_ROWS", 3)
    with pytest.raises(UnfitError, match="more rows than the 3 of a sheet"):
        sheet_of(settings, "outlook")
    monkeypatch.setattr(spreadsheets, "_MOST_ROWS", 1000)
    monkeypatch.setattr(spreadsheets, "_MOST_LETTERS", 10)
    with pytest.raises(UnfitError, match="more than the 10 letters of a cell"):
        sheet_of(settings, "outlook")


@given(st.one_of(st.text(), st.builds(str.__add__, st.sampled_from(HOSTILE), st.text()), st.floats().map(str)))
def test_no_text_ever_begins_as_a_formula(text: str) -> None:
    cell = safe(text)
    if cell[:1] in set("=+-@\t\r\n＝＋－＠"):
        assert cell.isascii() and float(cell) is not None  # what is left with a sign reads as a number
    assert cell.removeprefix("'") == text.removeprefix("'")


def test_values_keep_their_kind() -> None:
    assert [safe(value) for value in (None, True, -2, -0.25, 1e-7, -math.inf, date(2025, 7, 22))] == [
        "", "true", "-2", "-0.25", "1e-07", "'-inf", "2025-07-22",
    ]  # fmt: skip
    assert safe(datetime(2025, 7, 22, 9, 30, tzinfo=UTC)) == "2025-07-22 09:30:00+00:00"


def test_chinese_headers_come_from_the_dictionary_and_are_distinct(settings: Settings) -> None:
    plain, chinese = (next(csv.reader(io.StringIO(csv_of(settings, "outlook_v2", chinese=zh).decode("utf-8-sig")))) for zh in (False, True))
    assert len(chinese) == len(plain) == len(set(chinese))
    assert chinese[plain.index("commodity_code")] == "品种代码"


@pytest.mark.parametrize(
    "table", ["nothing", "duckdb_tables()", 'outlook" union select 1 --', "raw.shfe__daily_quotes", "information_schema.tables", ""]
)
def test_only_published_tables_leave(settings: Settings, table: str) -> None:
    with pytest.raises(UnknownTableError, match=r"there are .*serving\.outlook_v2"):
        csv_of(settings, table)


def test_without_a_release_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NothingPublishedError):
        csv_of(Settings(home=tmp_path), "outlook")


def test_the_command_writes_a_file_or_says_in_one_sentence_why_not(settings: Settings, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(Path(sys.executable).with_name("alumina")), "export", *arguments]
        return subprocess.run(command, env=os.environ | {"ALUMINA_HOME": str(settings.root)}, capture_output=True, check=False)

    target = tmp_path / "outlook.csv"
    done = run("serving.outlook", "--to", str(target), "--zh")
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == csv_of(settings, "outlook", chinese=True)
    assert run("outlook").stdout == csv_of(settings, "outlook")
    book = tmp_path / "outlook.xlsx"
    assert run("outlook", "--to", str(book), "--since", "2025-01-20").returncode == 0
    assert book.read_bytes().startswith(b"PK")
    wrong = {
        ("warehouse",): b"there is no published table",
        ("outlook", "--to", str(target / "x.csv")): b"cannot be written",
        ("outlook", "--to", str(tmp_path / "outlook.xls")): b"by its ending, .csv or .xlsx",
        ("outlook", "--since", "yesterday"): b"is not a day",
    }
    for arguments, said in wrong.items():
        done = run(*arguments)
        assert (done.returncode, said in done.stderr, b"Traceback" in done.stderr) == (1, True, False), done.stderr
