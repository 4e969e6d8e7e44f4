"""Foreign spreadsheets are read in a child process with limited memory, processor time and waiting time, without shell or network code.

`read` is for the rest of the house; `python -I -m ingest.sheet LIMITS` is the child: a spreadsheet on standard input, the rows of
its visible sheets as lines of JSON on standard output, how many they are on the last. Whatever a file makes of the parser ends there, as one sentence.

Cells come as the text a person reads: a date as a date, 0.8123 under a percent format as `81.23%`, and a number of more than 15 digits,
of which a spreadsheet keeps 15, in the notation that says so (`2.01000100123456e+17`). What a table means is not known here.
"""

import io
import json
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from ingest import confined

if TYPE_CHECKING:
    from ingest.source import PayloadError

COMMAND: tuple[str, ...] = (sys.executable, "-I", "-m", "ingest.sheet")
# Rows that are handed over together.
_PART = 2_000
ADVICE = "save it again as a plain sheet or as CSV and drop it again"
# A spreadsheet keeps 15 digits of a number; further digits are arbitrary.
DIGITS_KEPT = 15
_LONG = re.compile(rf"-?[0-9]{{{DIGITS_KEPT + 1}}}")
# Number formats every spreadsheet knows as 0% and 0.00% (ECMA-376, 18.8.30).
_PERCENT_FORMATS = frozenset({"9", "10"})
# Parts of a number format that are plain text: "…", \x, [Red], _x, *x.
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|[_*].')


@dataclass(frozen=True, slots=True)
class Limits:
    """How large one spreadsheet may be (parts, bytes and ratio once inflated, cells), and what reading it may cost beyond starting the reader."""

    members: int
    inflated_bytes: int
    ratio: int
    cells: int
    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook: its rows as text, blank ones included. A hidden one is named and not read."""

    name: str
    is_hidden: bool = False
    rows: list[list[str]] = field(default_factory=list)


class _RefusedError(Exception):
    """The child's verdict: reason and sentence."""


def read(body: bytes, limits: Limits) -> list[Sheet]:
    """Give the sheets of a workbook in its order; raises PayloadError when it cannot be read within its limits."""
    try:
        done = confined.ask(COMMAND, json.dumps(asdict(limits)), body, limits.wall_seconds)
    except subprocess.TimeoutExpired:
        raise _refusal("too_costly", f"reading the spreadsheet took longer than {limits.wall_seconds:g} seconds and was given up; {ADVICE}") from None
    try:
        *parts, end = map(json.loads, done.stdout.splitlines())
        if "reason" in end:
            raise _refusal(str(end["reason"]), str(end["message"]))
        told = [row for part in parts for row in part]
        if len(told) != end["rows"]:
            raise ValueError("rows are missing")
        found: list[Sheet] = []
        for row in told:
            if isinstance(row, dict):
                found.append(Sheet(str(row["sheet"]), bool(row["is_hidden"])))
            else:
                found[-1].rows.append([str(cell) for cell in row])
    except (ValueError, KeyError, TypeError, IndexError):
        raise _refusal(
            "too_costly",
            f"the spreadsheet broke its reader ({confined.ended(done)}) within {limits.memory_bytes >> 20} MB and {limits.cpu_seconds} s of processor time; {ADVICE}",
        ) from None
    return found


def _refusal(reason: str, message: str) -> "PayloadError":
    from ingest.source import Outcome, PayloadError  # polars stays out of the child

    return PayloadError(Outcome.NOT_DATA, reason, message)


def main(arguments: Sequence[str]) -> None:
    """Be the child: take the limits on first, then look at the bytes."""
    import fastexcel  # noqa: F401  what the reader takes to start counts for nothing

    limits = Limits(**json.loads(arguments[0]))
    confined.take_on(limits.memory_bytes, limits.cpu_seconds)
    body = sys.stdin.buffer.read()
    try:
        count, said, found = 0, 0, iter(rows(body, limits))
        while part := list(islice(found, _PART)):
            count += len(part)
            said += _say(part)
            if said > limits.inflated_bytes:  # a text that stands once in the file may stand in any number of cells
                raise _RefusedError("oversized", f"its cells hold more than {limits.inflated_bytes:,} bytes of text; {ADVICE}")
        end: dict[str, object] = {"rows": count}
    except _RefusedError as refused:
        end = dict(zip(("reason", "message"), refused.args, strict=True))
    except MemoryError:
        end = {"reason": "too_costly", "message": f"the spreadsheet needs more than {limits.memory_bytes >> 20} MB to be read; {ADVICE}"}
    _say(end)


def _say(part: object) -> int:
    """Hand over a part, and give its bytes."""
    return sys.stdout.buffer.write(json.dumps(part, ensure_ascii=True).encode() + b"\n")


def rows(body: bytes, limits: Limits) -> Iterator[dict[str, object] | list[str]]:
    """Check the parts, then give each sheet's name, and after it its rows where it is visible."""
    _check_parts(body, limits)
    import fastexcel

    try:
        reader = fastexcel.read_excel(body)
        book, left = _Book(body), limits.cells
        for number, name in enumerate(reader.sheet_names):
            sheet = reader.load_sheet(number, header_row=None, dtypes="string", skip_rows=0)
            is_hidden = sheet.visible != "visible"
            yield {"sheet": name, "is_hidden": is_hidden}
            if is_hidden or not sheet.width:
                continue
            left -= sheet.width * sheet.total_height
            if left < 0:
                raise _RefusedError("oversized", f"the sheet spans {sheet.total_height} rows and {sheet.width} columns, more than is read; {ADVICE}")
            table = sheet.to_arrow()
            # Reading the part a second time costs as much as the first, so only where it can matter.
            has_long = any(_LONG.match(cell) for column in table.columns for cell in column.to_pylist() if cell)
            shown = book.shown(name) if has_long or book.has_percentages else {}
            for begin in range(0, table.num_rows, _PART):
                columns = [column.to_pylist() for column in table.slice(begin, _PART).columns]
                for row, line in enumerate(zip(*columns, strict=True), start=begin):
                    yield (
                        [_shown(cell, shown.get((row, column))) for column, cell in enumerate(line)]
                        if shown
                        else ["" if cell is None else str(cell) for cell in line]
                    )
    except (fastexcel.FastExcelError, expat.ExpatError, KeyError, ValueError) as error:
        raise _RefusedError(
            "unparsable", f"the file is not a readable spreadsheet: {(str(error).splitlines() or [type(error).__name__])[0]}"
        ) from None


def _shown(cell: object, meant: tuple[str, str] | None) -> str:
    """Give a cell as a person reads it; `meant` are the number it holds and how it is to be shown."""
    text = "" if cell is None else str(cell)
    if meant is None:
        return text
    number, how = meant
    if float(text) != float(number):
        raise _RefusedError("unparsable", f"a cell holds {number} and is read as {text}; {ADVICE}")
    kept = Decimal(f"{float(number):.{DIGITS_KEPT}g}")
    return f"{(kept * 100).normalize():f}%" if how == "percent" else f"{kept:.{DIGITS_KEPT - 1}e}"


class _Book:
    """What the reader of sheets does not tell: which cells are percentages, and which hold more digits than a spreadsheet keeps."""

    def __init__(self, body: bytes) -> None:
        self._zip = zipfile.ZipFile(io.BytesIO(body))
        if "xl/workbook.xml" not in self._zip.namelist():
            raise _RefusedError("unparsable", "the file is a spreadsheet of another kind (.xlsb, .ods); save it as .xlsx and drop it again")
        self._percent = self._percent_styles()

    @property
    def has_percentages(self) -> bool:
        """Tell whether any cell may be shown as a percentage."""
        return bool(self._percent)

    def shown(self, sheet: str) -> Mapping[tuple[int, int], tuple[str, str]]:
        """Give, by row and column from the sheet's first, the number and how it is shown of each cell that is not to be shown as it is."""
        found: dict[tuple[int, int], tuple[str, str]] = {}
        row, column, first_column = 0, 0, None
        cell: tuple[str, bool] | None = None
        text: list[str] = []

        def start(tag: str, of: dict[str, str]) -> None:
            nonlocal row, column, first_column, cell
            tag = tag.rpartition(":")[2]
            if tag == "c":
                place = of.get("r")
                column = _column(place.rstrip("0123456789")) if place else column + 1
                cell = (of.get("s", ""), of.get("t", "n") == "n")
            elif tag == "row":
                row, column, cell = int(of.get("r", row + 1)), 0, None
            elif tag in ("v", "is") and cell is not None:
                first_column = column if first_column is None else min(first_column, column)
                text.clear()

        def end(tag: str) -> None:
            nonlocal cell
            if cell is not None and tag.rpartition(":")[2] == "v":
                style, is_number = cell
                if is_number and (number := "".join(text)):
                    if style in self._percent:
                        found[row - 1, column] = (number, "percent")
                    elif abs(float(number)) >= 10**DIGITS_KEPT:
                        found[row - 1, column] = (number, "long")
                cell = None

        parser = _parser(start)
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text.append
        parser.Parse(self._part(sheet), True)
        return {(row, column - (first_column or 1)): meant for (row, column), meant in found.items()}

    def _percent_styles(self) -> frozenset[str]:
        """Give the styles, by their number, whose cells are shown as percentages."""
        if "xl/styles.xml" not in self._zip.namelist():
            return frozenset()
        formats: set[str] = set(_PERCENT_FORMATS)
        styles: list[str] = []
        inside: list[str] = []

        def start(tag: str, of: dict[str, str]) -> None:
            inside.append(tag.rpartition(":")[2])
            if inside[-1] == "numFmt" and "%" in _LITERAL.sub("", of.get("formatCode", "")):
                formats.add(of.get("numFmtId", ""))
            elif inside[-2:] == ["cellXfs", "xf"]:
                styles.append(of.get("numFmtId", ""))

        parser = _parser(start)
        parser.EndElementHandler = lambda _: inside.pop()
        parser.Parse(self._zip.read("xl/styles.xml"), True)
        return frozenset(str(number) for number, style in enumerate(styles) if style in formats)

    def _part(self, sheet: str) -> bytes:
        """Give the part of the package a sheet lies in."""
        parts: dict[str, str] = {}
        of_sheet: dict[str, str] = {}

        def relation(tag: str, of: dict[str, str]) -> None:
            if tag.rpartition(":")[2] == "Relationship":
                parts[of["Id"]] = of["Target"]

        def entry(tag: str, of: dict[str, str]) -> None:
            if tag.rpartition(":")[2] == "sheet":
                of_sheet[of["name"]] = next(value for name, value in of.items() if name.rpartition(":")[2] == "id")

        _parser(relation).Parse(self._zip.read("xl/_rels/workbook.xml.rels"), True)
        _parser(entry).Parse(self._zip.read("xl/workbook.xml"), True)
        target = parts[of_sheet[sheet]]
        return self._zip.read(target.lstrip("/") if target.startswith("/") else f"xl/{target}")


def _parser(start: Any) -> expat.XMLParserType:
    """Make a parser that takes no declarations of entities, which no spreadsheet has."""

    def refuse(*_: object) -> None:
        raise _RefusedError("unparsable", f"the spreadsheet declares entities; {ADVICE}")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EntityDeclHandler = refuse
    return parser


@cache
def _column(letters: str) -> int:
    """Give the number of a column from its letters, A being 1."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _check_parts(body: bytes, limits: Limits) -> None:
    """Refuse what its directory says is too large; then inflate once, in pieces, since a directory may lie."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            parts = archive.infolist()
            inflated = sum(part.file_size for part in parts)
            if len(parts) > limits.members or inflated > limits.inflated_bytes or inflated > limits.ratio * len(body):
                raise _RefusedError("oversized", f"the spreadsheet would inflate to {inflated} bytes in {len(parts)} parts; it is not read")
            if any(part.flag_bits & 1 for part in parts):
                raise _RefusedError("unparsable", "the spreadsheet is protected by a password; save it without one and drop it again")
            broken = archive.testzip()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, RuntimeError, ValueError, OSError, zlib.error) as error:
        raise _RefusedError("unparsable", f"the file is not a readable spreadsheet: {error}") from None
    if broken is not None:
        raise _RefusedError("unparsable", f"the file is not a readable spreadsheet: its part {broken!r} is damaged")


if __name__ == "__main__":
    main(sys.argv[1:])
