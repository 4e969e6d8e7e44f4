"""Tables that people export as CSV, and rows of any payload that cannot be believed."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ingest.source import Outcome, PayloadError, Reject


class RowError(ValueError):
    """One row cannot be believed; a plain ValueError says that a value of it cannot be read."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def rejected(table: str, error: ValueError, place: str, row: Mapping[str, Any]) -> Reject:
    """Put a row aside with what was wrong and where it stood."""
    return Reject(table, error.reason if isinstance(error, RowError) else "unreadable_value", f"{place}: {error}", row)


def part_of(row: Mapping[str, Any], **whole: str) -> dict[str, Any]:
    """Say beside the cells of a row which whole it is a part of: a sum of which a part was refused is not known (dbt's `lost_parts`).

    The keys come first, so that they stay where a row of many cells is cut.
    """
    return whole | dict(row) | whole


Line = tuple[int, list[str]]
"""A line of a file that holds anything: its number and its cells."""


def csv_lines(body: bytes) -> Iterator[Line]:
    """Read the lines of a CSV file one by one, UTF-8 before GB18030; raises PayloadError when it is neither, or not CSV."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise PayloadError(Outcome.NOT_DATA, "undecodable", "the file is neither UTF-8 nor GB18030 text")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise PayloadError(Outcome.NOT_DATA, "unparsable", f"the file is not CSV: {error}") from None


def filled(lines: Iterable[Line]) -> list[Line]:
    """Leave out lines that hold nothing; raises PayloadError when none is left."""
    kept = [(number, cells) for number, cells in lines if any(cell.strip() for cell in cells)]
    if not kept:
        raise PayloadError(Outcome.NOT_DATA, "empty", "the file holds no row")
    return kept


def below_header(lines: Sequence[Line]) -> list[Line]:
    """Give the lines under the header, each as wide as it: a line of another length refuses the file, since its cells have moved."""
    (_, header), *rest = lines
    for number, cells in rest:
        if len(cells) != len(header):
            raise PayloadError(Outcome.NOT_DATA, "ragged", f"line {number} has {len(cells)} cells, the header {len(header)}")
    if not rest:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", "the file has a header and no rows")
    return rest


def repeats(names: Iterable[str]) -> list[str]:
    """Give the names that stand more than once, in order."""
    return sorted(name for name, count in Counter(names).items() if count > 1)


def csv_table(body: bytes) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Read a CSV table as its header and its rows, each with its line in the file; cells are stripped.

    Raises PayloadError when it is not text, has no row, repeats a header, or a row has more or fewer cells than the header.
    """
    lines = [(number, [cell.strip() for cell in cells]) for number, cells in filled(csv_lines(body))]
    header = lines[0][1]
    if repeated := repeats(header):
        raise PayloadError(Outcome.FORMAT_CHANGED, "repeated_header", f"the header names a column twice: {', '.join(repeated)}")
    return header, [(number, dict(zip(header, cells, strict=True))) for number, cells in below_header(lines)]
