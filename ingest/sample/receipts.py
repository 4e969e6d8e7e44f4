"""The simulated warrants: the exchange's unit per warehouse and day, through hand-set anchors and the published totals and regions."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

from ingest.sample.ledger import Ledger
from ingest.sample.paths import knots
from ingest.sums import added

DELIVERY_RUSH = 4  # sessions after a last trading day in which most warrants move

Levels = dict[str, list[int]]  # by region: the level on each day
Pins = dict[int, int]


def simulate(code: str, spec: Mapping[str, Any], days: Sequence[date], expiries: set[int], ledger: Ledger, seed: str) -> Levels:
    """Give each region's level day by day."""
    rng, warrant = Random(f"{seed}:receipts:{code}"), int(spec["warrant"])
    pins = {region: {t: int(v) for t, v in knots(facts["level"], days).items()} for region, facts in spec["regions"].items()}
    for (day, product, region), cell in ledger.table("shfe__warehouse_receipts"):
        if product == code.upper() and region in pins and region != spec["balancing"] and cell.column == "receipts_qty":
            pins[region][days.index(date.fromisoformat(day))] = int(cell.value)
    levels = {region: _steps(pins[region], len(days), expiries, warrant, rng) for region in pins if region != spec["balancing"]}
    if spec["balancing"]:
        # Totals and the largest region are printed rounded while the others are exact: the largest takes what is left.
        totals = {t: total - added(level[t] for level in levels.values()) for t, total in _totals(code, days, ledger).items()}
        levels[spec["balancing"]] = _steps(pins[spec["balancing"]] | totals, len(days), expiries, warrant, rng)
    return levels


def by_warehouse(level: int, warehouses: int, warrant: int) -> list[int]:
    """Split a region's level: whole warrants to each warehouse, growing, the overweight of the bags to the last."""
    weights = [2 * k + 1 for k in range(warehouses)]
    parts = [level * weight // added(weights) // warrant * warrant for weight in weights[:-1]]
    return [*parts, level - added(parts)]


def _totals(code: str, days: Sequence[date], ledger: Ledger) -> Pins:
    """Give the total on every published day and, where its change was published, on the day before.

    From the last day backwards, so that an exact total reaches the rounded ones its published changes lead to.
    """
    pins: Pins = {}
    for t in range(len(days) - 1, -1, -1):
        key = f"{days[t]}|{code.upper()}|total"
        level = ledger.find("shfe__warehouse_receipts", key, "receipts_qty")
        change = ledger.find("shfe__warehouse_receipts", key, "receipts_change_qty")
        if level and t not in pins:
            # A rounded print that the next day's exact level rounds to is the same level.
            tomorrow = pins.get(t + 1)
            unchanged = tomorrow is not None and not level.is_precise and level.agrees(Decimal(tomorrow))
            pins[t] = tomorrow if unchanged and tomorrow is not None else int(level.value)
        if change:
            pins[t - 1] = pins[t] - int(change.value)
    return pins


def _steps(pins: Pins, count: int, expiries: set[int], warrant: int, rng: Random) -> list[int]:
    """Go from pin to pin in whole warrants, on some days only, mostly just after a delivery."""
    places = sorted(pins)
    levels = [pins[places[0]]] * (places[0] + 1)
    for start, end in pairwise(places):
        weights = []
        for t in range(start + 1, end + 1):
            rush = 3 if any(t - back in expiries for back in range(1, DELIVERY_RUSH + 1)) else 1
            weights.append(rush * rng.random() if rng.random() < 0.7 else 0.0)
        share, whole = 0.0, added(weights)
        for weight in weights[:-1]:
            share += weight
            moved = (pins[end] - pins[start]) * share / whole if whole else 0.0
            levels.append(pins[start] + int(moved / warrant) * warrant)
        levels.append(pins[end])
    return levels + [levels[-1]] * (count - len(levels))
