"""CSV for spreadsheets: no cell runs as a formula, Excel reads the Chinese, and only published tables leave."""

import codecs
import csv
import io
import math
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.settings import Settings
from serving.publish import release
from serving.publish.spreadsheets import UnknownTableError, export, safe
from serving.read import NothingPublishedError
from tests.reliability import readers

HOSTILE = ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(\"http://x\",\"y\")", "-", "+", "-1 OR 1=1", "+１", "＝1", "＋1", "－1", "＠x", "\n=1", "-0x10", "--1")  # fmt: skip
HARMLESS = ("AO2509", "-12.5", "+3", "-1e-3", "铝土矿，几内亚", 'say "so", twice', "two\nlines", "", "-.5", "1=1")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A release whose outlook says hostile things."""
    settings = readers.small_home(tmp_path / "home")
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("delete from serving.outlook_v2")
        for number, text in enumerate((*HOSTILE, *HARMLESS)):
            con.execute(
                "insert into serving.outlook_v2 by name select 'AO' as commodity_code, cast(? as date) + cast(? as integer) as as_of_date, ? as headline_zh, -1.5 as sentiment_score, "
                "timestamptz '2025-07-22 17:30:00+08' as decision_at, 'sample' as data_origin",
                [date(2025, 1, 1), number, text],
            )
    with readers.nothing_but_the_swap():
        release.publish(settings, "test", [release.CheckResult("columns", "test", "pass", "serving.outlook_v2", 0, "")])
    return settings


def rows_of(blocks: bytes) -> list[dict[str, str]]:
    assert blocks.startswith(codecs.BOM_UTF8)
    return list(csv.DictReader(io.StringIO(blocks.decode("utf-8-sig"), newline="")))


def test_hostile_texts_are_quoted_and_others_are_left_alone(settings: Settings) -> None:
    rows = rows_of(b"".join(export(settings, "outlook")))
    assert [row["headline_zh"] for row in rows] == [*(f"'{text}" for text in HOSTILE), *HARMLESS]
    assert {(row["score"], row["decision_at"], row["stance"]) for row in rows} == {("-1.5", "2025-07-22 17:30:00+08:00", "")}


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
    plain, chinese = (next(csv.reader(io.StringIO(b"".join(export(settings, "outlook_v2", chinese=zh)).decode("utf-8-sig")))) for zh in (False, True))
    assert len(chinese) == len(plain) == len(set(chinese))
    assert chinese[plain.index("commodity_code")] == "品种代码"


@pytest.mark.parametrize(
    "table", ["nothing", "duckdb_tables()", 'outlook" union select 1 --', "raw.shfe__daily_quotes", "information_schema.tables", ""]
)
def test_only_published_tables_leave(settings: Settings, table: str) -> None:
    with pytest.raises(UnknownTableError, match=r"there are .*serving\.outlook_v2"):
        next(export(settings, table))


def test_without_a_release_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NothingPublishedError):
        next(export(Settings(home=tmp_path), "outlook"))


def test_the_command_writes_a_file_or_says_in_one_sentence_why_not(settings: Settings, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(Path(sys.executable).with_name("alumina")), "export", *arguments]
        return subprocess.run(command, env=os.environ | {"ALUMINA_HOME": str(settings.root)}, capture_output=True, check=False)

    target = tmp_path / "outlook.csv"
    done = run("serving.outlook", "--to", str(target), "--zh")
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == b"".join(export(settings, "outlook", chinese=True))
    assert run("outlook").stdout == b"".join(export(settings, "outlook"))
    for arguments, said in ((("warehouse",), b"there is no published table"), (("outlook", "--to", str(target / "x.csv")), b"cannot be written")):
        done = run(*arguments)
        assert (done.returncode, said in done.stderr, b"Traceback" in done.stderr) == (1, True, False), done.stderr
