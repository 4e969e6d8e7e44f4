"""Write published tables as CSV or workbook, so that a spreadsheet runs no formula and changes no figure. Reads the release; no business rules.

Rows come in the order of the table's key and figures with the decimals their source has, so two equal releases give equal files. A CSV cell
that begins with `= + - @`, a tab or a line break is a formula to a spreadsheet: it gets a leading apostrophe, unless it is a number. The file
begins with a byte-order mark, since Excel takes UTF-8 for the local code page without one. In a workbook text is text by its type.
"""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import duckdb

from ingest.settings import Settings
from quality.fields import Kind, decimals
from serving.cells import safe
from serving.publish.keys import published_keys
from serving.publish.public import passed_on
from serving.publish.views import VIEWS
from serving.read import connect

_BLOCK = 10_000
# A name without schema that two schemas have means the older table.
_SEARCHED = ("serving", "marts", "desk")
_SHANGHAI = ZoneInfo("Asia/Shanghai")
# What one sheet and one cell of a workbook hold.
_MOST_ROWS = 1_048_575
_MOST_LETTERS = 32_767
WORKBOOK = ".xlsx"


class UnknownTableError(Exception):
    """There is no such published table; the message names those there are."""


class UnfitError(Exception):
    """The table cannot be exported as asked; the message says why."""


@dataclass(frozen=True)
class Wanted:
    """What to export: a table or view, with or without its schema, and which of its rows."""

    table: str
    chinese: bool = False
    """Headers from the data dictionary, with their unit."""
    since: date | None = None
    """The first day; refused for a table without a day column."""
    commodity: str | None = None
    public: bool = False
    """Leave out columns that may not be passed on."""


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str
    header: str


@dataclass(frozen=True)
class _Answer:
    """A table's columns and the cursor its rows are read from."""

    name: str
    columns: tuple[_Column, ...]
    rows: duckdb.DuckDBPyConnection
    con: duckdb.DuckDBPyConnection


def export_csv(settings: Settings, wanted: Wanted) -> Iterator[bytes]:
    """Give a published table or view as CSV, in blocks of UTF-8 bytes that begin with a byte-order mark.

    Raises UnknownTableError for a name the file's catalogue does not have, UnfitError for rows that cannot be asked of it, LicensedError where
    nothing may be passed on, UnreadableError where there is no release to read; all before the first block.
    """
    with _answered(settings, wanted) as answer:
        yield "\ufeff".encode() + _lines([tuple(column.header for column in answer.columns)])
        while rows := answer.rows.fetchmany(_BLOCK):
            yield _lines(rows)


def export_workbook(settings: Settings, wanted: Wanted, to: Path | IO[bytes]) -> None:
    """Write a published table or view as a workbook: a sheet of its rows with numbers and dates as such, and one that explains its columns.

    Moments are shown as a clock in Shanghai does. Raises what `export_csv` does, and UnfitError for more than a sheet or a cell holds.
    """
    from xlsxwriter import Workbook

    with _answered(settings, wanted) as answer, Workbook(to, {"constant_memory": True, "strings_to_urls": False}) as book:
        # A creation date would make each file different.
        book.set_properties({"created": datetime(2000, 1, 1), "title": answer.name})
        bold = book.add_format({"bold": True})
        formats = [book.add_format({"num_format": _shown(column)}) for column in answer.columns]
        sheet = book.add_worksheet(answer.name.split(".")[1][:31])
        sheet.freeze_panes(1, sum(column.name in _key(answer.name) for column in answer.columns))
        for place, column in enumerate(answer.columns):
            sheet.set_column(place, place, max(10, min(40, 1 + len(column.header))), formats[place])
            sheet.write_string(0, place, column.header, bold)
        number = 0
        while rows := answer.rows.fetchmany(_BLOCK):
            for row in rows:
                number += 1
                if number > _MOST_ROWS:
                    raise UnfitError(f"{answer.name} has more rows than the {_MOST_ROWS:,} of a sheet; ask for fewer with --since, or write .csv")
                for place, value in enumerate(row):
                    _write(sheet, number, place, value)
        if number:
            sheet.autofilter(0, 0, number, len(answer.columns) - 1)
        _explain(book.add_worksheet("columns"), bold, answer)


def _write(sheet: Any, row: int, place: int, value: Any) -> None:
    """Write a value by its type; null is an empty cell."""
    match value:
        case None:
            pass
        case bool():
            sheet.write_boolean(row, place, value)
        case int() | float():
            sheet.write_number(row, place, value)
        case datetime():
            sheet.write_datetime(row, place, value.astimezone(_SHANGHAI).replace(tzinfo=None) if value.tzinfo else value)
        case date():
            sheet.write_datetime(row, place, datetime.combine(value, time()))
        case _:
            if len(str(value)) > _MOST_LETTERS:
                raise UnfitError(f"row {row} has a text of more than the {_MOST_LETTERS:,} letters of a cell; write .csv")
            sheet.write_string(row, place, str(value))


def _shown(column: _Column) -> str:
    match column.kind:
        case Kind.NUMBER:
            return f"#,##0.{'0' * min(decimals(column.name), 2)}{'#' * max(decimals(column.name) - 2, 0)}"
        case Kind.DATE:
            return "yyyy-mm-dd"
        case Kind.TIMESTAMP | Kind.LOCAL:
            return "yyyy-mm-dd hh:mm"
        case _:
            return "General"


def _explain(sheet: Any, bold: Any, answer: _Answer) -> None:
    """Describe the table and each of its columns."""
    data_through, origin = answer.con.execute("select data_through, data_origin from serving.publication").fetchall()[0]
    lines = [
        ("column", "unit", "meaning", "含义"),
        *answer.con.execute(
            "select column_name, unit, description_en, description_zh from serving.data_dictionary where schema_name || '.' || table_name = ? "
            "order by column_name <> '*', position",
            [answer.name],
        ).fetchall(),
        ("data_through", "-", str(data_through), ""),
        ("data_origin", "-", origin, ""),
    ]
    for row, line in enumerate(lines):
        for place, text in enumerate(line):
            sheet.write_string(row, place, text or "", bold if row == 0 else None)
    sheet.set_column(0, 3, 30)
    sheet.freeze_panes(1, 0)


@contextmanager
def _answered(settings: Settings, wanted: Wanted) -> Iterator[_Answer]:
    with connect(settings) as con:
        schema, table = _published(con, wanted.table)
        name = f"{schema}.{table}"
        there = con.execute(
            "select column_name, data_type from duckdb_columns() where schema_name = ? and table_name = ? order by column_index", [schema, table]
        ).fetchall()
        if wanted.public:
            kept = set(passed_on(con, schema, table)[0])
            there = [(column, kind) for column, kind in there if column in kept]
        headers = _headers(con, name, [column for column, _ in there]) if wanted.chinese else [column for column, _ in there]
        columns = tuple(_Column(column, kind, header) for (column, kind), header in zip(there, headers, strict=True))
        conditions, parameters = _conditions(name, columns, wanted)
        key = [f'"{column}"' for column in _key(name) if column in {column.name for column in columns}]
        figures = (f'round("{c.name}", {decimals(c.name)}) as "{c.name}"' if c.kind == Kind.NUMBER else f'"{c.name}"' for c in columns)
        # Ordered by stored values, not by displayed ones: two figures that look alike keep their order.
        con.execute(f'select {", ".join(figures)} from {schema}."{table}"{conditions} order by {", ".join(key) or "all"}', parameters)
        # The dictionary is asked beside the query that is being read.
        yield _Answer(name, columns, con, con.cursor())


def _published(con: duckdb.DuckDBPyConnection, table: str) -> tuple[str, str]:
    """Find a table in the file's own catalogue. Only names from there are put into SQL."""
    there = con.execute(
        "select table_schema, table_name from information_schema.tables where list_contains($searched, table_schema) "
        "order by list_position($searched, table_schema), 2",
        {"searched": list(_SEARCHED)},
    ).fetchall()
    for schema, name in there:
        if table in (name, f"{schema}.{name}"):
            return schema, name
    raise UnknownTableError(f"there is no published table {table!r}; there are {', '.join(f'{schema}.{name}' for schema, name in there)}")


def _key(name: str) -> tuple[str, ...]:
    return published_keys().get(VIEWS[name][0] if name in VIEWS else name, ())


def _conditions(name: str, columns: tuple[_Column, ...], wanted: Wanted) -> tuple[str, list[Any]]:
    told: list[tuple[str, Any]] = []
    if wanted.since is not None:
        days = [column.name for column in columns if column.kind == Kind.DATE]
        day = next((column for column in _key(name) if column in days), None)
        if day is None:
            raise UnfitError(f"{name} has no day in its key that --since could begin at")
        told.append((f'"{day}" >= ?', wanted.since))
    if wanted.commodity is not None:
        if "commodity_code" not in {column.name for column in columns}:
            raise UnfitError(f"{name} is not about commodities; leave --commodity out")
        told.append(("commodity_code = ?", wanted.commodity.upper()))
    return (f" where {' and '.join(condition for condition, _ in told)}" if told else ""), [value for _, value in told]


def _headers(con: duckdb.DuckDBPyConnection, name: str, columns: list[str]) -> list[str]:
    """Give Chinese headers with their unit. Equal headers get the column name, since a spreadsheet cannot pivot on two equal headers."""
    told = con.execute(
        "select column_name, description_zh || case when unit = '-' then '' else ' [' || unit || ']' end from serving.data_dictionary "
        "where schema_name || '.' || table_name = ?",
        [name],
    ).fetchall()
    texts = [dict(told).get(column) or column for column in columns]
    return [text if texts.count(text) == 1 else f"{text} {column}" for text, column in zip(texts, columns, strict=True)]


def _lines(rows: list[tuple[Any, ...]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([safe(value) for value in row] for row in rows)
    return buffer.getvalue().encode()
