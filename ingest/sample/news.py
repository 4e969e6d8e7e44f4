"""Policy, news and fixings: the dated events (published facts, kept as they are written), invented flashes, simulated central parity."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from ingest.sample.ledger import Ledger
from ingest.sample.paths import bridge, knots
from ingest.sample.quotes import Quote

EVENTS_FILE = Path(__file__).with_name("events.csv")
# A day's flashes come between these times, the first just after midnight: its UTC date is the day before.
WINDOWS = ((time(0, 2), time(0, 50)), (time(9, 5), time(11, 25)), (time(13, 35), time(16, 50)))

Event = dict[str, str]


class Flash(NamedTuple):
    """One invented headline."""

    pushed: datetime  # Shanghai, naive
    title: str


def load_events() -> list[Event]:
    """Read the events that ship with the package."""
    with EVENTS_FILE.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def known_on(event: Event) -> date:
    """Give the day by whose end an event is known: its own, or the last of the month where only that is stated."""
    day = date.fromisoformat(event["event_date"])
    return day if event["date_precision"] == "day" else (day + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def flashes(spec: Mapping[str, Any], days: Sequence[date], dominant: Sequence[Quote], seed: str) -> list[list[Flash]]:
    """Give each day's flashes in order; after a large move of the dominant contract they lean its way."""
    found: list[list[Flash]] = []
    for day, bar in zip(days, dominant, strict=True):
        rng, today = Random(f"{seed}:newsflash:{day}"), []
        moved = 100 * (bar.settle - bar.pre_settle) / bar.pre_settle
        tone = "flat" if abs(moved) < spec["threshold_pct"] else "up" if moved > 0 else "down"
        for first, last in WINDOWS:
            start, end = datetime.combine(day, first), datetime.combine(day, last)
            came, at, coloured, which = (rng.random() for _ in range(4))
            if came < spec["chance"]:
                titles = spec["titles"][tone if coloured < 0.6 else ("up", "down", "flat")[int(which * 3)]]
                pushed = start + timedelta(seconds=int(at * (end - start).total_seconds()))
                today.append(Flash(pushed, titles[rng.randrange(len(titles))]))
        found.append(today)
    return found


def fixings(spec: Mapping[str, Any], days: Sequence[date], ledger: Ledger, seed: str) -> list[list[str]]:
    """Give each day's fixings as printed, in the order of the pairs; a hole is printed as dashes."""
    columns = []
    for pair, facts in spec["pairs"].items():
        cells = {t: cell for t, day in enumerate(days) if (cell := ledger.find("fx__central_parity", f"{day}|{pair}", "rate"))}
        points = {**knots(facts["level"], days), **{t: float(cell.value) for t, cell in cells.items()}}
        levels = bridge(points, len(days), facts["noise"], Random(f"{seed}:fx:{pair}"))
        texts = [str(cells[t].value) if t in cells else f"{level:.{facts['decimals']}f}" for t, level in enumerate(levels)]
        holes = spec["missing"].get(pair, [])
        columns.append(["---" if day in holes else text for day, text in zip(days, texts, strict=True)])
    return [list(row) for row in zip(*columns, strict=True)]
