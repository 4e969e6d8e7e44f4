"""Known errors of the sources, as data: which row, what it says, what to do, why.

A correction names the value it expects to find. When the source has mended its error (or never had it) the expectation
fails, the row passes untouched and the correction is reported as stale: it can never silently spoil a right figure.
The archive keeps the original bytes, quarantine the original row.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import polars as pl

from quality.raw import TABLES

FILE = Path(__file__).with_name("corrections.toml")


class CorrectionError(Exception):
    """A correction does not say what it must, or speaks of a table or column there is not."""


@dataclass(frozen=True)
class Correction:
    """One known error: rows of `table` where every `match` column has its value and `column` is what was expected."""

    table: str
    match: Mapping[str, Any]
    column: str
    expect: Any
    action: Literal["reject", "replace"]
    reason: str
    source: str
    value: Any = None

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


def parse(text: str) -> tuple[Correction, ...]:
    """Read corrections from TOML; raises CorrectionError naming the entry that is wrong."""
    corrections = []
    for number, entry in enumerate(tomllib.loads(text).get("correction", []), start=1):
        try:
            correction = Correction(**entry)
        except TypeError as error:
            raise CorrectionError(f"correction {number}: {error}") from None
        if correction.table not in TABLES:
            raise CorrectionError(f"correction {number}: there is no raw table {correction.table!r}")
        schema = TABLES[correction.table].stored_schema
        if unknown := sorted({*correction.match, correction.column} - set(schema)):
            raise CorrectionError(f"correction {number}: {correction.table} has no column {', '.join(unknown)}")
        if correction.action not in ("reject", "replace") or not correction.reason or not correction.source or not correction.match:
            raise CorrectionError(f"correction {number}: needs action reject or replace, a match, a reason and a source")
        if correction.action == "replace" and correction.value is None:
            raise CorrectionError(f"correction {number}: to replace needs a value")
        corrections.append(correction)
    return tuple(corrections)


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
