"""The simulated vendor series with one value a day, a week or a month: prices abroad, costs, inputs, capacity, stocks.

Each runs through hand-set anchors and every published point; a series that is made of others (a rate, a profit, an import parity) is
computed from their printed values, so that it holds together as printed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from ingest.sample.ledger import Ledger
from ingest.sample.paths import bridge, knots, latest, noise

TABLES = {
    "overseas": "spot__overseas",
    "cost_profit": "cost__series",
    "inputs": "cost__series",
    "capacity": "capacity__series",
    "inventory": "capacity__series",
}
THURSDAY = 4
VAT, PORT_CHARGES_CNY, CHARGES_SPREAD = 1.13, 79, 4  # import parity as the vendor prints it
Row = dict[str, str]


class Point(NamedTuple):
    """One printed value."""

    obs_date: date
    published: datetime
    text: str


@dataclass(frozen=True)
class Series:
    """One vendor series, as every row of it is labelled, and its history."""

    feed: str
    provider: str
    series_id: str
    name: str
    unit: str
    region: str
    frequency: str
    basis: str
    points: list[Point]

    def values(self) -> dict[date, float]:
        """Give the printed values by observation day."""
        return {point.obs_date: float(point.text) for point in self.points}


def simulate(groups: Sequence[Mapping[str, Any]], days: Sequence[date], index: Mapping[date, float], ledger: Ledger, seed: str) -> dict[str, Series]:
    """Give every series by its id; `index` is the vendor's spot index by day."""
    found: dict[str, Series] = {}
    for group in groups:
        dates = _dates(group, days)
        for spec in group["series"]:
            rng, series_id = Random(f"{seed}:vendor:{spec['id']}"), spec["id"]
            levels = _levels(spec, list(dates), found, index, ledger, TABLES[group["feed"]], rng)
            points = []
            for (day, published), level in zip(dates.items(), levels, strict=True):
                cell = ledger.find(TABLES[group["feed"]], f"{day}|{series_id}", "value")
                points.append(Point(day, published, str(cell.value) if cell else _printed(level, spec)))
            basis = spec.get("basis", group.get("basis", ""))
            labels = (series_id, spec["name"], spec["unit"], spec["region"], group["frequency"], basis)
            found[series_id] = Series(group["feed"], group["provider"], *labels, points)
    return found


def _dates(group: Mapping[str, Any], days: Sequence[date]) -> dict[date, datetime]:
    """Give the observation days of a group and when each is published; nothing comes out on a day without a session."""
    if "only" in group:
        released = {group["only"]: group["only"]}
    elif group["frequency"] == "日":
        released = {day: day for day in days}
    elif group["frequency"] == "周":
        released = {day: day for day in days if day.isoweekday() == group.get("weekday", THURSDAY)}
    else:
        step = bisect_left if group["release"] == "month_end" else bisect_right
        firsts = sorted({day.replace(day=1) for day in days})[1:]
        ends = [first - timedelta(days=1) for first in firsts]
        released = {end: days[step(days, end)] for end in ends}
    return {day: datetime.combine(out, group["clock"]) for day, out in released.items()}


def _levels(
    spec: Mapping[str, Any],
    dates: list[date],
    found: Mapping[str, Series],
    index: Mapping[date, float],
    ledger: Ledger,
    table: str,
    rng: Random,
) -> list[float]:
    if "formula" in spec:
        legs = [found[part].values() for part in spec["of"]]
        return [_formula(spec["formula"], [leg[day] for leg in legs], index.get(day, 0.0), rng) for day in dates]
    if "parent" in spec:
        parent = found[spec["parent"]].values()
        return [parent[day] + spec["offset"] * (1 + 0.06 * noise(rng)) for day in dates]
    printed = {day: float(cell.value) for day in dates if (cell := ledger.find(table, f"{day}|{spec['id']}", "value"))}
    if spec.get("hold"):
        anchors = sorted([*(tuple(anchor) for anchor in spec["level"]), *printed.items()])
        return [latest(anchors, day) for day in dates]
    points = {**knots(spec["level"], dates), **{dates.index(day): value for day, value in printed.items()}}
    return bridge(points, len(dates), spec.get("noise", 0.0), rng)


def _formula(name: str, legs: Sequence[float], index: float, rng: Random) -> float:
    if name == "parity":
        fob, freight, rate = legs
        return (fob + freight) * rate * VAT + PORT_CHARGES_CNY + CHARGES_SPREAD * noise(rng)
    if name == "profit":
        return index - legs[0]
    if name == "rate":
        return 100 * legs[0] / legs[1]
    if name == "week":  # of a capacity per year
        return legs[0] * 7 / 365
    raise ValueError(f"no formula {name!r}")


def _printed(level: float, spec: Mapping[str, Any]) -> str:
    """Round to the series' step, half up, and write with as many decimals as the step (or the vendor) has."""
    per_unit = round(1 / spec["step"]) if spec["step"] < 1 else 1 / spec["step"]
    steps = int(abs(level) * per_unit + 0.5)
    decimals = spec.get("decimals", len(str(per_unit)) - 1 if spec["step"] < 1 else 0)
    return f"{'-' if level < 0 and steps else ''}{steps / per_unit:.{decimals}f}"
