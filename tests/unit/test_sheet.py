"""Spreadsheets are read in a child process: what hangs, eats memory or lies ends there, as one sentence."""

import io
import os
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from ingest import sheet
from ingest.catalog.configuration import SHIPPED_ONLY
from ingest.source import Outcome, PayloadError

MEBIBYTE = 2**20


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def read(body: bytes, **changes: float) -> list[list[str]]:
    """Read the one sheet of a workbook under the shipped limits, a few of them changed."""
    (only,) = sheet.read(body, replace(SHIPPED_ONLY.limits.sheet, **changes))
    return only.rows


def refusal(body: bytes, **changes: float) -> str:
    with pytest.raises(PayloadError) as caught:
        read(body, **changes)
    verdict = caught.value.verdict
    assert verdict.outcome is Outcome.NOT_DATA
    assert verdict.message
    assert "\n" not in verdict.message
    return verdict.reason


def child(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """A parser that does what `code` says instead of reading, under the real child's limits."""
    program = f"import sys, ingest.sheet as sheet\ndef rows(body, limits):\n    {code}\nsheet.rows = rows\nsheet.main(sys.argv[1:])"
    monkeypatch.setattr(sheet, "COMMAND", (sys.executable, "-I", "-c", program))


def test_rows_come_back_as_text_blank_ones_included() -> None:
    assert read(workbook(["日期", "数值"], [], ["2025-07-16", 8863], ["", 361.5], ["00201", "--"])) == [
        ["日期", "数值"], ["", ""], ["2025-07-16", "8863"], ["", "361.5"], ["00201", "--"],
    ]  # fmt: skip


def formatted(*cells: tuple[Any, str], **sheets: str) -> bytes:
    """A workbook whose first sheet begins at C3, a cell a row, each with its number format; further sheets by name and state."""
    book = openpyxl.Workbook()
    for number, (value, number_format) in enumerate(cells):
        cell = book.active.cell(row=3 + number, column=3, value=value)
        cell.number_format = number_format
    for name, state in sheets.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = state
        sheet.append(["x"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (0.8123, "0.00%", "81.23%"), (0.8123, "0%", "81.23%"), (-0.07, "[Red]0.0%;[Green]-0.0%", "-7%"), (0.29, "#,##0.0 %", "29%"), (1, "0%", "100%"),
        (81.23, '0.00"%"', "81.23"), (81.23, "0.00\\%", "81.23"), (81.23, "0.00", "81.23"), (0.5, "General", "0.5"), ("81%", "0%", "81%"),
        (201000100123456789, "0", "2.01000100123457e+17"), (999999999999999, "0", "999999999999999"), ("201000100123456789", "@", "201000100123456789"),
        (1234567890123456, "0%", "123456789012346000%"),
    ],
)  # fmt: skip
def test_a_cell_is_the_text_a_person_reads(value: Any, number_format: str, shown: str) -> None:
    assert read(formatted(("日期", "General"), (value, number_format), (0.25, "0%"))) == [[""], [""], ["日期"], [shown], ["25%"]]


def test_hidden_sheets_are_named_and_not_read() -> None:
    found = sheet.read(formatted(("x", "General"), 甲="hidden", 乙="veryHidden", 丙="visible"), SHIPPED_ONLY.limits.sheet)
    assert [(one.name, one.is_hidden, one.rows[-1:]) for one in found] == [
        ("Sheet", False, [["x"]]), ("甲", True, []), ("乙", True, []), ("丙", False, [["x"]]),
    ]  # fmt: skip


def test_all_sheets_together_have_no_more_cells_than_are_read() -> None:
    body = formatted(("x", "General"), 乙="visible")
    assert len(sheet.read(body, replace(SHIPPED_ONLY.limits.sheet, cells=4))) == 2
    with pytest.raises(PayloadError, match="more than is read"):
        sheet.read(body, replace(SHIPPED_ONLY.limits.sheet, cells=3))


@pytest.mark.parametrize("part", ["xl/styles.xml", "xl/worksheets/sheet1.xml"])
def test_entities_are_not_expanded(part: str) -> None:
    with zipfile.ZipFile(io.BytesIO(formatted((0.5, "0%")))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    head = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    start = members[part].index(b"?>") + 2 if members[part].startswith(b"<?xml") else 0
    members[part] = members[part][:start] + head + members[part][start:]
    assert refusal(packed(members)) == "unparsable"


def test_a_bomb_is_known_from_its_directory() -> None:
    assert refusal(packed({"xl/worksheets/sheet1.xml": b"\0" * 4_000_000})) == "oversized"
    assert refusal(packed({f"part{n}": b"" for n in range(201)})) == "oversized"


def test_a_directory_that_lies_is_found_out_by_inflating() -> None:
    body = bytearray(packed({"xl/worksheets/sheet1.xml": os.urandom(50_000) + b"\0" * 50_000}))
    directory = bytes(body).rindex(b"PK\x01\x02")
    for place in (22, directory + 24):
        body[place : place + 4] = (900).to_bytes(4, "little")
    assert refusal(bytes(body)) == "unparsable"


def test_two_cells_at_the_corners_of_a_sheet_do_not_cost_the_memory_of_the_whole() -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "x", "y"
    buffer = io.BytesIO()
    book.save(buffer)
    assert len(buffer.getvalue()) < 6_000
    assert refusal(buffer.getvalue()) in ("too_costly", "oversized")


def test_a_sheet_of_more_cells_than_any_export_is_not_read() -> None:
    assert refusal(workbook(*([1, 2, 3] for _ in range(5))), cells=10) == "oversized"


def test_a_parser_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # Were it not given up, this test would not end: the parser waits for ever.
    child(monkeypatch, "import signal; signal.pause()")
    assert refusal(workbook(["x"]), wall_seconds=0.8) == "too_costly"


def test_a_parser_that_spins_is_killed_by_its_processor_time(monkeypatch: pytest.MonkeyPatch) -> None:
    child(monkeypatch, "while True: pass")
    with pytest.raises(PayloadError, match="signal") as caught:
        read(workbook(["x"]), cpu_seconds=1)
    assert caught.value.verdict.reason == "too_costly"


def test_a_parser_that_eats_memory_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    child(monkeypatch, "bytearray(10**12)")
    assert refusal(workbook(["x"])) == "too_costly"
    child(monkeypatch, "held = [bytes(2**20) for _ in range(5000)]")
    assert refusal(workbook(["x"]), memory_bytes=300 * MEBIBYTE) == "too_costly"


@pytest.mark.parametrize(
    "code", ["import os; os.abort()", "sys.exit(3)", "import os; os._exit(0)", "raise ZeroDivisionError", "print('noise'); return []"]
)
def test_a_parser_that_crashes_or_babbles_is_one_sentence(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    child(monkeypatch, code)
    assert refusal(workbook(["x"])) == "too_costly"


def test_the_child_cannot_write_files_and_knows_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    child(
        monkeypatch,
        "import os; return [{'sheet': 'x', 'is_hidden': False}, [str(os.environ.get('SECRET')), os.getcwd(), *map(str, sheet.confined.resource.getrlimit(sheet.confined.resource.RLIMIT_FSIZE))]]",
    )
    assert read(workbook(["x"])) == [["None", "/", "0", "0"]]
    child(monkeypatch, f"open({str(tmp_path / 'out')!r}, 'w').write('x' * 9000); return []")
    assert refusal(workbook(["x"])) == "too_costly"
    assert not (tmp_path / "out").exists() or (tmp_path / "out").stat().st_size == 0


def test_a_text_that_stands_in_many_cells_is_counted_in_each() -> None:
    """A long text lies once in the file and once in each cell that shows it: 234 kB of twenty such sheets took 700 MB."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        for _ in range(6):
            book.add_worksheet().write_column(0, 0, ["x" * 6_000] * 2_000)
    assert len(buffer.getvalue()) < MEBIBYTE
    with pytest.raises(PayloadError) as caught:
        sheet.read(buffer.getvalue(), SHIPPED_ONLY.limits.sheet)
    assert caught.value.verdict.reason == "oversized"
    assert "of text" in caught.value.verdict.message
