"""Tables as people export them: text in its encoding, cells in their separator, and in the lines the header, its rows and what is neither.

Here lines become tables, whatever they are about. What the columns of a vendor's file mean is `ingest.layout`'s to say, what a row may hold
the source's. Rows of any payload that cannot be believed are made here, too.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import polars as pl

from ingest import values
from ingest.source import Outcome, PayloadError, Reject

SEPARATORS = (",", "\t", ";")
BAR = "|"
"""Between the cells of an exchange's text file; no vendor's table is split at it."""
# How far into a file one looks for the separator of its cells.
_HEAD_CHARACTERS, _HEAD_LINES = 65_536, 50
# Names of the contract that stand beside each other in a header, and in no row.
NAMES_IN_A_HEADER = 3
_SEP_LINE = re.compile(r'"?sep=(?P<separator>[^"\r\n])"?[ \t,;]*(?:\r\n|\r|\n)', re.IGNORECASE)
# Invisible characters: soft hyphen, zero-width and direction characters, byte order marks inside a text.
_UNSEEN = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF])
BRACKETS = re.compile(r"(?P<name>[^(\[【]+)[(\[【](?P<said>[^()\[\]【】]+)[)\]】]")
# Beginnings of lines that are notes about a table, not rows of it.
NOTE = re.compile(
    r"[\W_]*(?:数据来源|资料来源|来源|注释?|备注|说明|免责声明|声明|提示|导出时间|导出日期|下载时间|制表|单位|source|notes?|disclaimer|unit)\d*\s*[:：]",
    re.IGNORECASE,
)


class RowError(ValueError):
    """One row breaks a rule; a plain ValueError says that a value cannot be read."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def rejected(table: str, error: ValueError, place: str, row: Mapping[str, Any]) -> Reject:
    """Make the reject of a row: what was wrong, and where it stood."""
    return Reject(table, error.reason if isinstance(error, RowError) else "unreadable_value", f"{place}: {error}", row)


def part_of(row: Mapping[str, Any], **whole: str) -> dict[str, Any]:
    """Say beside the cells of a row which whole it is a part of: a sum of which a part was refused is not known (dbt's `lost_parts`).

    The keys come first, so that they stay where a row of many cells is cut.
    """
    return whole | dict(row) | whole


def refuse_two_values(frame: pl.DataFrame, key: Sequence[str], clash: str) -> None:
    """Refuse a file with two rows of one key, by PayloadError; `clash` is a sentence with the key's columns as its places."""
    twice = frame.filter(pl.len().over(*key) > 1)
    if twice.height:
        told = clash.format(**twice.row(0, named=True))
        raise PayloadError(Outcome.NOT_DATA, "two_values", f"the file gives {told}; keep the right one and drop it again")


Line = tuple[int, list[str]]
"""A line of a file that holds anything: its number and its cells."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table in the lines of a file: the header, its rows, each as wide as it, and what stands above and below."""

    line: int
    header: list[str]
    rows: list[Line]
    around: list[str]
    """Titles above and notes below, as printed."""


def tidy(text: str) -> str:
    """Give a cell without white space around it and without what prints as nothing."""
    return text.strip() if text.isascii() else text.translate(_UNSEEN).strip()


@lru_cache(maxsize=4096)
def heading(text: str) -> str:
    """Give a header in the form in which headers are compared: full-width is half-width, white space and case mean nothing."""
    text = tidy(text)
    if not text.isascii() and len(text) <= values.LONGEST:
        text = unicodedata.normalize("NFKC", text)
    return "".join(text.split()).rstrip(":").casefold()


def named(cells: Iterable[str], columns: Mapping[str, str]) -> set[str]:
    """Give the columns whose headers stand in a line, a remark in brackets behind some of them; `columns` are by `heading`."""
    found = set()
    for cell in cells:
        if not cell or cell[0] in "0123456789+-.":  # most cells are figures
            continue
        name = heading(cell)
        if name.endswith((")", "]", "】")) and (match := BRACKETS.fullmatch(name)):
            name = name if name in columns else match["name"]
        if name in columns:
            found.add(columns[name])
    return found


def decoded(body: bytes) -> str:
    """Read text by its byte order mark, as UTF-16 where every other byte is zero, as UTF-8, as GB18030; raises PayloadError when it is none of them."""
    encodings: tuple[str, ...] = ("utf-8-sig", "gb18030")
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ("utf-16",)
    elif b"\0" in body[:_HEAD_LINES]:
        encodings = ("utf-16-le" if body[1:_HEAD_LINES:2].count(0) > body[0:_HEAD_LINES:2].count(0) else "utf-16-be",)
    for encoding in encodings:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise PayloadError(
        Outcome.NOT_DATA, "undecodable", "the file is text neither in UTF-8 nor in GB18030 nor in UTF-16; save it as CSV UTF-8 and drop it again"
    )


def csv_lines(body: bytes) -> Iterator[Line]:
    """Read the lines of a text file one by one, cells apart by comma, tab or semicolon; raises PayloadError when it is no such text."""
    text = decoded(body)
    told = _SEP_LINE.match(text)
    separator = told["separator"] if told else _separator(text)
    rest, skipped = (text[told.end() :], 1) if told else (text, 0)
    reader = csv.reader(io.StringIO(rest, newline=""), strict=True, delimiter=separator)
    try:
        for cells in reader:
            # ="00201" is how an export keeps a spreadsheet from making a number of a text.
            yield (
                reader.line_num + skipped,
                [cell[2:-1] if cell.startswith('="') and cell.endswith('"') and len(cell) > 2 else cell for cell in cells],
            )
    except csv.Error as error:
        raise PayloadError(Outcome.NOT_DATA, "unparsable", f"the file is not CSV: {error}") from None


def _separator(text: str) -> str:
    """Give the separator that makes the largest table of the beginning: most cells in lines of one width; without two such lines, the widest line.

    A text full of another separator is one line, and no table.
    """

    def cells(separator: str) -> tuple[int, int]:
        try:
            lines = list(islice(csv.reader(io.StringIO(text[:_HEAD_CHARACTERS], newline=""), delimiter=separator), _HEAD_LINES))
        except csv.Error:
            return 0, 0
        widths = Counter(map(len, lines))
        return max((width * count for width, count in widths.items() if width > 1 and count > 1), default=0), max(widths, default=0)

    return max(SEPARATORS, key=cells)


def filled(lines: Iterable[Line]) -> list[Line]:
    """Leave out lines that hold nothing; raises PayloadError when none is left."""
    kept = [(number, cells) for number, cells in lines if any(cell.strip() for cell in cells)]
    if not kept:
        raise PayloadError(Outcome.NOT_DATA, "empty", "the file holds no row")
    return kept


def is_note(cells: Sequence[str]) -> bool:
    """Tell a line that says something about a table from a row of it: it begins like a note, or is one text alone, no day and no figure."""
    said = [text for cell in cells if (text := tidy(cell))]
    return bool(said) and (NOTE.match(said[0]) is not None or (len(said) == 1 and not values.looks_like_a_value(said[0])))


def note_of(cells: Sequence[str]) -> str:
    """Give the text of such a line."""
    return " ".join(text for cell in cells if (text := tidy(cell)))


def tables(lines: Sequence[Line], is_header: Callable[[Sequence[str]], bool]) -> list[Table]:
    """Find the tables in lines: from each header to the next one.

    Raises PayloadError where a line is not as wide as its header, since its cells have moved; where rows stand above the first header, and
    where a header is printed again without a gap, since nobody can tell which of the rows under the two still hold.
    """
    found: list[Table] = []
    above: list[str] = []
    last, rows_above, is_apart = 0, 0, True
    for number, cells in lines:
        is_apart = is_apart or number > last + 1
        if is_header(cells):
            if found and not is_apart and not found[-1].rows and len(cells) == len(found[-1].header):
                # A header of two lines: 价格 above 最低, 最高 and 均价.
                found[-1].header[:] = [below if tidy(below) else over for over, below in zip(found[-1].header, cells, strict=True)]
                last = number
                continue
            if found and not is_apart:
                raise PayloadError(
                    Outcome.NOT_DATA,
                    "repeated_header",
                    f"line {number} is a header again, right under the table of the one in line {found[-1].line}: "
                    "leave a blank line between two tables, or delete the one that no longer holds",
                )
            found.append(Table(number, list(cells), [], above))
            above, is_apart = [], False
        elif not found or _is_beside_the_rows(cells, found[-1].header):
            # What follows a table without a gap is said about it, what comes after a gap about the next one, if there is one.
            (above if is_apart else found[-1].around).append(note_of(cells))
            if not found and not rows_above and len(cells) > 1 and values.looks_like_a_value(tidy(cells[0])):
                rows_above = number
        else:
            found[-1].rows.append((number, cells))
            is_apart = False
        last = number
    if found:
        found[-1].around.extend(above)
    if found and rows_above:
        raise PayloadError(
            Outcome.NOT_DATA,
            "rows_above_header",
            f"line {rows_above} holds figures above the header in line {found[0].line}; a table begins with its header",
        )
    return [_trimmed(table) for table in found]


def _is_beside_the_rows(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Tell a line under a header that is no row: a note, or words alone that are not as many as the columns.

    A cell that stands alone under a further column, and begins like no note, is of a row.
    """
    if len(cells) != len(header) and not any(values.looks_like_a_value(tidy(cell)) for cell in cells):
        return True
    if not is_note(cells):
        return False
    place = next(place for place, cell in enumerate(cells) if tidy(cell))
    first = next(place for place, cell in enumerate(header) if tidy(cell))
    return not first < place < len(header) or not tidy(header[place]) or NOTE.match(note_of(cells)) is not None


def headed(lines: Sequence[Line]) -> Table:
    """Take the first line for the header, so that what is wrong with it can be said; raises PayloadError where it cannot be one."""
    (line, header), *rows = lines
    if repeated := repeats(name for cell in header if (name := tidy(cell))):
        raise PayloadError(Outcome.FORMAT_CHANGED, "repeated_header", f"the header names a column twice: {', '.join(repeated)}")
    return _trimmed(Table(line, header, rows, []))


def _trimmed(table: Table) -> Table:
    """Hold every row against the width of the header, then leave out the columns that hold nothing at all and name those without a name."""
    for number, cells in table.rows:
        if len(cells) != len(table.header):
            why = "is a number written as 8,863 without quotation marks?" if len(cells) > len(table.header) else "is a cell missing?"
            raise PayloadError(
                Outcome.NOT_DATA, "ragged", f"line {number} has {len(cells)} cells, the header in line {table.line} {len(table.header)}; {why}"
            )
    header = [tidy(cell) for cell in table.header]
    places = [place for place, name in enumerate(header) if name or any(tidy(cells[place]) for _, cells in table.rows)]
    named = [header[place] or f"column {place + 1}" for place in places]
    if len(places) == len(header):
        return Table(table.line, named, table.rows, table.around)
    return Table(table.line, named, [(number, [cells[place] for place in places]) for number, cells in table.rows], table.around)


def repeats(names: Iterable[str]) -> list[str]:
    """Give the names that stand more than once, in order."""
    return sorted(name for name, count in Counter(names).items() if count > 1)


def csv_table(body: bytes, known: Collection[str]) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Read the one table of a CSV file whose header holds some of the known names; gives header and rows, each with its line; cells are tidy.

    Raises PayloadError when it is not text, has no row or two tables, repeats a header, or a row has more or fewer cells than the header.
    """
    names = {heading(name): name for name in known}
    lines = filled(csv_lines(body))
    found = tables(lines, lambda cells: len(named(cells, names)) >= NAMES_IN_A_HEADER)
    if len(found) > 1:
        raise PayloadError(
            Outcome.NOT_DATA, "two_tables", f"the file holds a second table from line {found[1].line} on; drop it as a file of its own"
        )
    table = found[0] if found else headed(lines)
    header = [names.get(heading(cell), cell) for cell in table.header]
    if repeated := repeats(header):
        raise PayloadError(Outcome.FORMAT_CHANGED, "repeated_header", f"the header names a column twice: {', '.join(repeated)}")
    if not table.rows:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", "the file has a header and no rows")
    return header, [(number, dict(zip(header, map(tidy, cells), strict=True))) for number, cells in table.rows]
