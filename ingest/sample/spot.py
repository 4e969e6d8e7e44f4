"""The simulated vendor prices: a national index, six regional ranges and the vendor's 11:30 spread to the dominant contract."""

from collections.abc import Mapping, Sequence
from datetime import date
from random import Random
from typing import Any, NamedTuple

from ingest.sample.ledger import Cell, Ledger
from ingest.sample.paths import bridge, knots, line
from ingest.sample.quotes import Quote

INDEX, SPREAD = "SMM-AO-INDEX", "SMM-AO-SPREAD-1130"
RANGE_STEP = 10  # regional prices are quoted in tens


class Price(NamedTuple):
    """One series on one day; money in cents, so that differences are exact."""

    series_id: str
    name: str
    region: str
    low: int | None
    high: int | None
    average_cents: int


def simulate(spec: Mapping[str, Any], days: Sequence[date], dominant: Sequence[Quote], ledger: Ledger, seed: str) -> list[list[Price]]:
    """Give the vendor's prices of each day; `dominant` is the dominant contract's bar of that day."""
    rng = Random(f"{seed}:spot")
    cells = [{series: ledger.find("spot__quotes", f"{day}|{series}", "value") for series in (INDEX, SPREAD)} for day in days]
    printed = {t: float(cell.value) for t, found in enumerate(cells) if (cell := found[INDEX])}
    level = bridge({**knots(spec["index"], days), **printed}, len(days), spec["noise"], rng)
    prices: list[list[Price]] = []
    for t, day in enumerate(days):
        leg = ledger.find("spot__quotes", f"{day}|{SPREAD}", "futures_leg_value")
        index, spread = _at_1130(level[t], cells[t][INDEX], cells[t][SPREAD], leg, dominant[t], rng)
        prices.append(
            [
                Price(INDEX, "SMM氧化铝指数", "全国", None, None, index),
                Price(SPREAD, "SMM氧化铝期现价差(指数-主力11:30)", "全国", None, None, spread),
            ]
        )
    for region, facts in spec["regions"].items():
        series = f"SMM-AO-SPOT-{facts['id']}"
        offset, half = {0: float(facts["offset"])}, {0: float(facts["half_width"])}
        for t, day in enumerate(days):
            low, high = (ledger.find("spot__quotes", f"{day}|{series}", f"{side}_value") for side in ("low", "high"))
            if low and high:
                offset[t] = float(low.value + high.value) / 2 - prices[t][0].average_cents / 100
                half[t] = float(high.value - low.value) / 2
        for t, (away, width) in enumerate(zip(line(offset, len(days)), line(half, len(days)), strict=True)):
            middle = prices[t][0].average_cents / 100 + away
            bottom, top = (int(price / RANGE_STEP + 0.5) * RANGE_STEP for price in (middle - width, middle + width))
            prices[t].insert(-1, Price(series, f"{region}氧化铝", region, bottom, top, (bottom + top) * 50))
    return prices


def _at_1130(level: float, index: Cell | None, spread: Cell | None, leg: Cell | None, bar: Quote, rng: Random) -> tuple[int, int]:
    """Give index and spread in cents: two of index, spread and the whole-yuan futures price at 11:30 always determine the third."""
    if bar.low is None or bar.high is None:
        raise ValueError("the dominant contract did not trade")
    if leg:
        futures = int(leg.value)
    elif spread:
        futures = min(max(round(level - float(spread.value)), bar.low), bar.high)
    else:
        futures = bar.low + int((bar.high - bar.low) * (0.15 + 0.7 * rng.random()) + 0.5)
    if spread and spread.is_precise and not (index and index.is_precise):
        return 100 * futures + int(spread.value * 100), int(spread.value * 100)
    cents = int(index.value * 100) if index else int(level * 100 + 0.5)
    return cents, cents - 100 * futures
