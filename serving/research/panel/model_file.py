"""The fitted model as a home keeps it: one sealed file of rows, read into `raw.outlook__model` before each build.

It lives in the home and not in the archive: it is no observation. It follows from the archive alone (same panel, same rows, to the last
digit), so that `alumina fit` makes it again where it is lost, and its hash goes with every row. A row is in force from its refit date on and
stands on outcomes that were known an embargo before it, so that a build as of a past day and the build of that day apply the same rows.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from ingest.notes import read_note, write_note
from ingest.source import DataOrigin

VERSION = "1"
"""Of the protocol the rows were fitted by; another one fits everything anew."""
MEND = "delete it and run `alumina fit`"


@dataclass(frozen=True, slots=True)
class Term:
    """One figure of a fit: the session it is in force from, the horizon, its name, its value (None where it could not be told)."""

    refit_date: date
    horizon: str
    term: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Model:
    """All fits of a home. `sha256` is that of the rows, `data_origin` the least trustworthy of the panel's."""

    rows: tuple[Term, ...]
    fitted_at: datetime
    data_origin: DataOrigin
    sha256: str


def write_model(path: Path, rows: Sequence[Term], data_origin: DataOrigin) -> Model:
    """Write the fits in one step, in place of those before, and give them."""
    told = [[str(row.refit_date), row.horizon, row.term, row.value] for row in rows]
    model = Model(tuple(rows), datetime.now(UTC), data_origin, hashlib.sha256(json.dumps([VERSION, told]).encode()).hexdigest())
    facts = {"version": VERSION, "fitted_at": model.fitted_at.isoformat(), "data_origin": str(data_origin), "sha256": model.sha256, "rows": told}
    write_note(path, facts)
    return model


def read_model(path: Path) -> Model | None:
    """Give the fits of a home; None where there are none, or only those of another protocol. Raises NoteError for a file that has changed on disk."""
    facts = read_note(path, MEND)
    if facts is None or facts["version"] != VERSION:
        return None
    rows = tuple(Term(date.fromisoformat(day), horizon, term, value) for day, horizon, term, value in facts["rows"])
    return Model(rows, datetime.fromisoformat(facts["fitted_at"]), DataOrigin(facts["data_origin"]), facts["sha256"])
