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
        "import os; return [{'sheet': 'x', 'is_hidden': False}, [str(os.environ.get('SECRET')), os.getcwd(), *map(str, sheet.resource.getrlimit(sheet.resource.RLIMIT_FSIZE))]]",
    )
    assert read(workbook(["x"])) == [["None", "/", "0", "0"]]
    child(monkeypatch, f"open({str(tmp_path / 'out')!r}, 'w').write('x' * 9000); return []")
    assert refusal(workbook(["x"])) == "too_costly"
    assert not (tmp_path / "out").exists() or (tmp_path / "out").stat().st_size == 0
