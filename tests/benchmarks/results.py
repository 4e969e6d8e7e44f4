"""What the benchmarks found: the rows of `results.json`, and the tables of them in docs/performance.md and docs/scale.md. Nothing is measured here.

Every figure is a ratio within one run, an exponent, processor seconds or megabytes: what a busy machine leaves as it is.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ingest.files import write_atomic
from ingest.settings import REPOSITORY
from tests.marks import write_between

RESULTS = Path(__file__).with_name("results.json")
DOCUMENT = REPOSITORY / "docs" / "performance.md"
SCALE = REPOSITORY / "docs" / "scale.md"
BEYOND = ("cluster", "spark", "parts")
"""The parts that are about more than one machine or one process; docs/scale.md has their table."""
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


@dataclass(frozen=True)
class Result:
    """One figure, its goal and whether it is met, and how it was measured. A figure without a goal is there to read the others by."""

    name: str
    value: float
    unit: str
    goal: str
    met: bool | None
    how: str


def at_most(name: str, value: float, unit: str, goal: float, how: str) -> Result:
    """A figure that must not pass its goal."""
    return Result(name, rounded(value), unit, f"<= {goal:g}", value <= goal, how)


def at_least(name: str, value: float, unit: str, goal: float, how: str) -> Result:
    """A figure that must reach its goal."""
    return Result(name, rounded(value), unit, f">= {goal:g}", value >= goal, how)


def shown(name: str, value: float, unit: str, how: str) -> Result:
    """A figure without a goal."""
    return Result(name, rounded(value), unit, "", None, how)


def rounded(value: float) -> float:
    """Two places below ten, none above a hundred: more is noise."""
    return round(value, 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0)


def load(path: Path = RESULTS) -> dict[str, list[Result]]:
    """Give the results there are, by the part of the benchmarks they are of, which their names begin with."""
    found: dict[str, list[Result]] = {}
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    for row in rows:
        result = Result(**row)
        found.setdefault(part_of(result), []).append(result)
    return found


def part_of(result: Result) -> str:
    """Give the part of the benchmarks a result is of: `run` of `run: peak memory`."""
    return result.name.partition(":")[0]


def table(results: Iterable[Result]) -> str:
    """Give the results as the lines of a table."""
    verdicts = {True: "yes", False: "**no**", None: ""}
    lines = ["| figure | value | goal | met | how |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.name} | {row.value:g} {row.unit} | {row.goal.replace('<=', '≤').replace('>=', '≥')} | {verdicts[row.met]} | {row.how} |"
        for row in results
    ]
    return "\n".join(lines)


def of(document: Path, rows: Iterable[Result]) -> list[Result]:
    """Give the results whose table stands in a document."""
    return [row for row in rows if (part_of(row) in BEYOND) == (document == SCALE)]


def keep(part: str, found: Sequence[Result], order: Sequence[str], path: Path = RESULTS, document: Path | None = None) -> None:
    """Put the results of one part in the place of those it had, in the file and in the document its table stands in."""
    document = document or (SCALE if part in BEYOND else DOCUMENT)
    if strangers := [result.name for result in found if part_of(result) != part]:
        raise ValueError(f"{strangers} are not named as results of {part!r}")
    known = load(path) | {part: list(found)}
    rows = [result for name in order for result in known.get(name, ())]
    write_atomic(path, (json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=2) + "\n").encode())
    write_between(document, BEGIN, END, table(of(document, rows)))
