"""Notes of invented publishers with their own verdicts: text and claims out of one annotated file.

`audit_notes/*.note` holds lines of a heading and a text in which every claim is marked where it stands:
`{shown|metric|entity|period|cmp value unit|direction|truth}`, a range as `range low~high unit`. Truth is `+` for a true claim, else
`!` and the kind of planted error. Figures are those of the sample, simulated ones included, computed with plain SQL and not by the audit.
"""

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from serving.research.audit.claims import COLUMNS
from serving.research.own_note import HALF_DIGIT

FOLDER = Path(__file__).parent / "audit_notes"
_MARK = re.compile(r"\{([^{}|]*)\|([^{}|]*)\|([^{}|]*)\|([^{}|]*)\|([^{}|]*)\|([^{}|]*)\|([^{}|]*)\}")
_CHANGES = re.compile(r"d_|ret_|spot_d1|.*_(mom|yoy)$")


@dataclass(frozen=True)
class Marked:
    """A claim of a note, and where its figure stands in the text."""

    claim_id: str
    start: int
    end: int
    row: dict[str, str]
    planted: str
    """Kind of planted error; blank for a true claim."""


@dataclass(frozen=True)
class Noted:
    """A note."""

    name: str
    heading: str
    text: str
    claims: tuple[Marked, ...]

    def csv(self) -> str:
        """Give the claims as the file the command reads."""
        out = io.StringIO()
        writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(claim.row for claim in self.claims)
        return self.heading + out.getvalue()


def notes() -> list[Noted]:
    """Read all, in the order of their names."""
    return [_noted(path) for path in sorted(FOLDER.glob("*.note"))]


def is_held_out(name: str) -> bool:
    """Tell which half a note is in: of the names ordered by their sha256 the first half was tuned on, the second was not looked at."""
    ordered = sorted((path.name for path in FOLDER.glob("*.note")), key=lambda one: hashlib.sha256(one.encode()).hexdigest())
    return ordered.index(name) >= len(ordered) // 2


def _noted(path: Path) -> Noted:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    heading = "".join(line for line in lines if line.startswith("# "))
    body, text, marks = "".join(line for line in lines if not line.startswith("# ")), "", []
    place = 0
    for match in _MARK.finditer(body):
        text += body[place : match.start()]
        marks.append((len(text), match))
        text += match[1]
        place = match.end()
    text += body[place:]
    claims = tuple(_marked(path.stem, number, start, match, text) for number, (start, match) in enumerate(marks, 1))
    return Noted(path.name, heading, text, claims)


def _marked(stem: str, number: int, start: int, match: re.Match[str], text: str) -> Marked:
    shown, metric, entity, period, figure, direction, truth = match.groups()
    cmp, value, unit = figure.split(" ", 2)
    low, _, high = value.partition("~")
    ends = [place for sign in "，。；\n\t" if (place := text.rfind(sign, 0, start)) >= 0]
    quote = text[max(ends, default=-1) + 1 : start + len(shown)].strip()
    claim_id = f"{stem[:3].upper()}-{number:02}"
    kind = "change" if _CHANGES.match(metric) else "quantity"
    row = {
        "claim_id": claim_id, "section": "1", "quote_zh": quote, "kind": kind, "metric": metric, "entity": entity, "period": period,
        "cmp": cmp, "value": low, "value_high": high, "unit": unit, "direction": direction,
    }  # fmt: skip
    return Marked(claim_id, start, start + len(shown), row, "" if truth == "+" else truth.removeprefix("!"))


def as_if_real(home: Path) -> duckdb.DuckDBPyConnection:
    """Give the figures of a finished sample home as if they were real ones: all of them are evidence."""
    con = duckdb.connect()
    con.execute(f"attach '{(home / 'serving' / 'alumina.duckdb').resolve()}' as published (read_only)")
    con.execute(f"attach '{home / 'warehouse.duckdb'}' as warehouse (read_only)")
    con.execute("create schema serving; create schema marts")
    for (name,) in con.execute("select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'marts'").fetchall():
        con.execute(f"create view marts.{name} as select * from published.marts.{name}")
    con.execute(
        f"create table serving.claim_facts as select * replace ('files' as data_origin), {HALF_DIGIT} as uncertainty "
        "from warehouse.intermediate.int_facts__printed where value is not null or dataset = 'events'"
    )
    return con
