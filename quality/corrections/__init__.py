"""Known errors of the sources, as data: which row, what it says, what to do, why.

A correction names the value it expects to find. When the source has mended its error (or never had it) the expectation
fails, the row passes untouched and the correction is reported as stale: it can never silently spoil a right figure.
The archive keeps the original bytes, quarantine the original row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import Field, model_validator

from quality.raw import TABLES
from quality.typed import Document, Entry, Loc, Text, Wrong, WrongFileError, read, unknown

FILE = Path(__file__).with_name("corrections.toml")


class CorrectionError(Exception):
    """A correction does not say what it must, or speaks of a table or column there is not."""


class Correction(Entry):
    """One known error: rows of `table` where every `match` column has its value and `column` is what was expected."""

    table: Text
    match: Annotated[dict[str, Any], Field(min_length=1)]
    column: Text
    expect: Any
    action: Literal["reject", "replace"]
    value: Any = None
    reason: Text
    source: Text

    @model_validator(mode="after")
    def _says_what_to_put(self) -> "Correction":
        if (self.action == "replace") != (self.value is not None):
            raise ValueError("a value goes with action replace, and only with it")
        return self

    def key(self) -> pl.Expr:
        """Rows the correction speaks of, whatever they say."""
        return pl.all_horizontal(pl.col(name) == value for name, value in self.match.items())

    def found(self) -> pl.Expr:
        """Rows that still say what the correction expects."""
        says: pl.Expr = pl.col(self.column) == self.expect
        return self.key() & says


@dataclass(frozen=True)
class Corrected:
    """A frame after its corrections, the original rows that were rejected or replaced, and the corrections found stale."""

    frame: pl.DataFrame
    originals: tuple[tuple[Correction, dict[str, Any]], ...]
    stale: tuple[tuple[Correction, dict[str, Any]], ...]


class CorrectionsFile(Document):
    """`corrections.toml`."""

    correction: list[Correction] = []  # noqa: RUF012 - pydantic copies a default

    def contradictions(self) -> Iterator[Wrong]:
        """Each correction speaks of a raw table, of columns it has, and of values they can hold."""
        for number, correction in enumerate(self.correction):
            place: Loc = ("correction", number)
            if correction.table not in TABLES:
                yield (*place, "table"), unknown("raw table", correction.table, TABLES)
                continue
            schema = TABLES[correction.table].stored_schema
            said: list[tuple[Loc, str, Any]] = [(("match", name), name, value) for name, value in correction.match.items()]
            said += [((key,), correction.column, value) for key, value in (("expect", correction.expect), ("value", correction.value))]
            if correction.column not in schema:
                yield (*place, "column"), unknown(f"column of {correction.table}", correction.column, schema)
            for loc, column, value in said:
                if column not in schema:
                    if loc[0] == "match":
                        yield (*place, *loc), unknown(f"column of {correction.table}", column, schema)
                elif value is not None and not _fits(value, schema[column]):
                    yield (*place, *loc), f"{value!r} is no value of {column}, which holds {schema[column]}"


def _fits(value: Any, kind: pl.DataType) -> bool:
    try:
        pl.Series([value], dtype=kind, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        return False
    return not isinstance(value, bool) or kind == pl.Boolean


def parse(text: str) -> tuple[Correction, ...]:
    """Read corrections from TOML; raises CorrectionError with everything that is wrong with them."""
    try:
        return tuple(read(CorrectionsFile, FILE.name, text).correction)
    except WrongFileError as error:
        raise CorrectionError(str(error)) from None


@lru_cache
def load() -> tuple[Correction, ...]:
    """Read the project's corrections."""
    return parse(FILE.read_text(encoding="utf-8"))


def apply(table: str, frame: pl.DataFrame, corrections: Sequence[Correction]) -> Corrected:
    """Apply the corrections of one table to its frame; rows keep their order."""
    originals: list[tuple[Correction, dict[str, Any]]] = []
    stale: list[tuple[Correction, dict[str, Any]]] = []
    for correction in corrections:
        if correction.table != table:
            continue
        hit = frame.filter(correction.found())
        stale.extend((correction, row) for row in frame.filter(correction.key() & ~correction.found().fill_null(False)).iter_rows(named=True))
        originals.extend((correction, row) for row in hit.iter_rows(named=True))
        if hit.is_empty():
            continue
        if correction.action == "reject":
            frame = frame.filter(~correction.found().fill_null(False))
        else:
            value = pl.lit(correction.value, frame.schema[correction.column])
            frame = frame.with_columns(pl.when(correction.found()).then(value).otherwise(pl.col(correction.column)).alias(correction.column))
    return Corrected(frame, tuple(originals), tuple(stale))
