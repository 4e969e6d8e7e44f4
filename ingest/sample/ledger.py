"""The ledger of published cells: reading `published.csv`, and what a cell's precision promises. Nothing simulated belongs here."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

LEDGER_FILE = Path(__file__).with_name("published.csv")
ELSEWHERE_FILE = Path(__file__).with_name("published_elsewhere.csv")
CLAIMS_FILE = Path(__file__).with_name("claims.csv")
"""Claims of the note the sample is about, for the claim audit."""

# How far a payload may stand from the printed figure: half a unit of its last printed digit.
TOLERANCE = {
    "exact": Decimal(0),
    "derived": Decimal(0),
    "rounded_1": Decimal("0.5"),
    "derived_rounded_1": Decimal("0.5"),
    "rounded_10": Decimal(5),
    "rounded_100": Decimal(50),
    "rounded_1000": Decimal(500),
    "derived_rounded_100": Decimal(50),
    "rounded_tenth": Decimal("0.05"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One published figure and where it was published."""

    table: str
    key: str
    column: str
    value: Decimal
    precision: str
    source: str
    note: str

    @property
    def is_precise(self) -> bool:
        """Tell whether the payload must carry exactly this figure."""
        return TOLERANCE[self.precision] == 0

    def agrees(self, value: Decimal) -> bool:
        """Tell whether `value` is the published figure as far as it was printed."""
        return abs(value - self.value) <= TOLERANCE[self.precision]


class Ledger:
    """Published cells by table, key and column."""

    def __init__(self, cells: list[Cell]) -> None:
        self._cells = {(cell.table, cell.key, cell.column): cell for cell in cells}
        if len(self._cells) != len(cells):
            raise ValueError(f"{LEDGER_FILE.name} states one cell twice")

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._cells.values())

    def find(self, table: str, key: str, column: str) -> Cell | None:
        """Give the cell, or None where nothing was published."""
        return self._cells.get((table, key, column))

    def table(self, table: str) -> Iterator[tuple[list[str], Cell]]:
        """Give the cells of one table, each with its key split into parts."""
        return ((cell.key.split("|"), cell) for cell in self if cell.table == table)


@lru_cache
def load_ledger() -> Ledger:
    """Read the ledger that ships with the package."""
    return Ledger(_read(LEDGER_FILE))


def load_elsewhere() -> list[Cell]:
    """Read published figures that no payload of the sample carries, and second sources of figures that one does."""
    return _read(ELSEWHERE_FILE)


def _read(path: Path) -> list[Cell]:
    with path.open(encoding="utf-8", newline="") as lines:
        return [Cell(**{**row, "value": Decimal(row["value"])}) for row in csv.DictReader(lines)]  # type: ignore[arg-type]
