"""The simulated sessions of the dominant contracts: night, two in the morning, one in the afternoon, inside the bar of the day.

What was published of a night or at 11:30 stands as it was printed; the rest is a path from the day's open to its close that touches
its high and its low.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, NamedTuple

from ingest.catalog.calendar import load_calendar
from ingest.sample.ledger import Ledger
from ingest.sample.paths import line, noise
from ingest.sample.quotes import Day, Quote, dominant_months, month_label
from ingest.sums import added

ENDS = {"night": time(1), "am1": time(10, 15), "am2": time(11, 30), "pm": time(15)}


class Bar(NamedTuple):
    """One session of one contract; prices in the quote unit, lots single-sided."""

    contract: str
    ended_at: datetime  # Shanghai, naive
    open: int
    high: int
    low: int
    close: int
    volume: int
    open_interest: int


def simulate(
    spec: Mapping[str, Any],
    products: Mapping[str, Any],
    markets: Mapping[str, Sequence[Day]],
    noon: Mapping[str, Sequence[int]],
    days: Sequence[date],
    ledger: Ledger,
    seed: str,
) -> list[list[Bar]]:
    """Give the bars of each day, of every product's dominant contract that traded; `noon` is what the vendor saw at 11:30, by product."""
    known: dict[str, dict[str, int]] = {key: dict(cells) for key, cells in spec["anchors"].items()}
    for parts, cell in ledger.table("bars__prices"):
        known.setdefault("|".join(parts), {})[cell.column] = int(cell.value)
    chains = {code: dominant_months(market) for code, market in markets.items()}
    result: list[list[Bar]] = []
    for t, day in enumerate(days):
        bars: list[Bar] = []
        for code, market in markets.items():
            contract, quote = f"{code}{month_label(chains[code][t])}", market[t][chains[code][t]]
            if quote.close is not None:
                rng = Random(f"{seed}:bars:{contract}:{day}")
                sessions = _sessions(day, days[t - 1] if t else None)
                cells = [dict(known.get(f"{day}|{contract.upper()}|{name}", {})) for name, _ in sessions]
                if code in noon:
                    cells[-2].setdefault("close_price", noon[code][t])
                bars += _bars(contract, sessions, cells, quote, products[code]["tick"], spec, rng)
        result.append(bars)
    return result


def _sessions(day: date, before: date | None) -> list[tuple[str, datetime]]:
    """Name the sessions of a trade date with their ends; the evening before a public holiday has no night, nor the first day a past."""
    has_night = before is not None and load_calendar().night_of(before) == day
    evening = before + timedelta(days=1) if before else day
    ends = {name: datetime.combine(evening if name == "night" else day, end) for name, end in ENDS.items()}
    return [(name, end) for name, end in ends.items() if name != "night" or has_night]


def _bars(
    contract: str,
    sessions: Sequence[tuple[str, datetime]],
    cells: Sequence[Mapping[str, int]],
    quote: Quote,
    tick: int,
    spec: Mapping[str, Any],
    rng: Random,
) -> Iterator[Bar]:
    opened, high, low, close = (int(price or 0) for price in quote[2:6])
    count = len(sessions)
    highs, lows = [cell.get("high_price", high) for cell in cells], [cell.get("low_price", low) for cell in cells]
    path = _path(opened, close, [cell.get("close_price") for cell in cells])
    wander = [price if "close_price" in cell else price + (high - low) * spec["wander"] * noise(rng) for price, cell in zip(path, cells, strict=True)]
    lasts = [min(max(int(price / tick + 0.5) * tick, lows[n]), highs[n]) for n, price in enumerate(wander)]
    lasts[-1] = close
    opens = [opened, *lasts[:-1]]
    tops, bottoms = [max(pair) for pair in zip(opens, lasts, strict=True)], [min(pair) for pair in zip(opens, lasts, strict=True)]
    # The session that comes nearest to the day's extreme makes it; the others reach part of the way.
    free = [n for n in range(count) if "high_price" not in cells[n]]
    highest = max(free, key=lambda n: tops[n])
    free = [n for n in range(count) if "low_price" not in cells[n]]
    lowest = min(free, key=lambda n: bottoms[n])
    reach = [(rng.random() / 2, rng.random() / 2) for _ in range(count)]
    for n, cell in enumerate(cells):
        up = tops[n] + int((high - tops[n]) * reach[n][0] / tick) * tick
        down = bottoms[n] - int((bottoms[n] - low) * reach[n][1] / tick) * tick
        highs[n] = cell.get("high_price", high if n == highest and high not in (c.get("high_price") for c in cells) else up)
        lows[n] = cell.get("low_price", low if n == lowest and low not in (c.get("low_price") for c in cells) else down)
    start = quote.open_interest - quote.open_interest_change
    held = [
        lots if "open_interest_lots" in cell else max(int(lots + quote.open_interest * spec["open_interest_wander"] * noise(rng)), 0)
        for lots, cell in zip(_path(start, quote.open_interest, [cell.get("open_interest_lots") for cell in cells]), cells, strict=True)
    ]
    held[-1] = quote.open_interest
    shares = [spec["volume_share"][name] * (0.8 + 0.4 * rng.random()) for name, _ in sessions]
    volumes = [int(quote.volume * share / added(shares)) for share in shares]
    volumes[-1] += quote.volume - added(volumes)
    for n, (_, end) in enumerate(sessions):
        yield Bar(contract, end, opens[n], highs[n], lows[n], lasts[n], volumes[n], int(held[n]))


def _path(first: float, last: float, known: Sequence[int | None]) -> list[float]:
    """Join the first and the last value through the known ends of the sessions by straight lines."""
    points = {0: first} | {n + 1: float(value) for n, value in enumerate(known) if value is not None} | {len(known): last}
    return line(points, len(known) + 1)[1:]
