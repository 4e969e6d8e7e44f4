"""Published tables as CSV that a spreadsheet opens without running or mangling anything. Reads the release; no business rules.

A cell that begins with `= + - @`, a tab or a line break is a formula to a spreadsheet: it gets a leading apostrophe, unless it is a
number. The file begins with a byte-order mark, since Excel takes UTF-8 for the local code page without one.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any

import duckdb

from ingest.settings import Settings
from serving.cells import safe
from serving.publish.public import passed_on
from serving.publish.release import SCHEMAS
from serving.read import connect

_BLOCK = 10_000


class UnknownTableError(Exception):
    """There is no such published table; the message names those there are."""


def export(settings: Settings, table: str, *, chinese: bool = False, public: bool = False) -> Iterator[bytes]:
    """Give a published table or view as CSV, in blocks of UTF-8 bytes that begin with a byte-order mark.

    `table` is a name with or without its schema (`outlook`, `marts.fct_spot_daily`); `chinese` takes the headers from the
    data dictionary; `public` leaves out what may not be passed on. Raises UnknownTableError for a name the file's catalogue does not have,
    LicensedError where nothing may be passed on, NothingPublishedError without a release; all before the first block.
    """
    with connect(settings) as con:
        schema, name = _published(con, table)
        wanted = ", ".join(f'"{column}"' for column in passed_on(con, schema, name)[0]) if public else "*"
        con.execute(f'select {wanted} from "{schema}"."{name}"')
        headers = tuple(column[0] for column in con.description or ())
        answer = con.cursor()  # the dictionary is asked beside the query that is being read
        if chinese:
            answer.execute("select column_name, description_zh from serving.data_dictionary where schema_name = ? and table_name = ?", [schema, name])
            texts = dict(answer.fetchall())
            headers = _distinct([texts.get(header) or header for header in headers], headers)
        yield "\ufeff".encode() + _lines([headers])
        while rows := con.fetchmany(_BLOCK):
            yield _lines(rows)


def _published(con: duckdb.DuckDBPyConnection, table: str) -> tuple[str, str]:
    """Find a table in the file's own catalogue: only names that stand there are ever put into SQL."""
    there = con.execute(
        "select table_schema, table_name from information_schema.tables where list_contains(?, table_schema) order by all", [list(SCHEMAS)]
    ).fetchall()
    for schema, name in there:
        if table in (name, f"{schema}.{name}"):
            return schema, name
    raise UnknownTableError(f"there is no published table {table!r}; there are {', '.join(f'{schema}.{name}' for schema, name in there)}")


def _distinct(texts: list[str], names: tuple[str, ...]) -> tuple[str, ...]:
    """Add the name of a column to a text that stands for two: a spreadsheet cannot pivot on two equal headers."""
    return tuple(text if texts.count(text) == 1 else f"{text} {name}" for text, name in zip(texts, names, strict=True))


def _lines(rows: list[tuple[Any, ...]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([safe(value) for value in row] for row in rows)
    return buffer.getvalue().encode()
