"""The simulated futures market: which contracts are listed, their open interest, their daily bars.

A day has one template bar (the published one where the ledger holds it); every contract is that bar moved along the curve, cut at its
price limits and settled at its volume-weighted price. Nothing here knows how a payload is written.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from math import gcd
from random import Random
from typing import Any, NamedTuple

from ingest.sample.ledger import Ledger
from ingest.sample.paths import bridge, knots, latest, line, noise, rise

WINDOW = 12  # months listed at once, at most
ROLL_MARGIN = (11, 10)  # the dominance rule: another contract's open interest above 11/10 of the current one's


class Quote(NamedTuple):
    """One contract on one day; prices are None where it did not trade."""

    pre_settle: int
    settle: int
    open: int | None
    high: int | None
    low: int | None
    close: int | None
    volume: int
    open_interest: int
    open_interest_change: int
    turnover_cny: int


class Template(NamedTuple):
    """The day's bar of the reference contract."""

    open: float
    high: float
    low: float
    close: float
    mean: float


Day = dict[int, Quote]  # by month number, near to far


def month_number(label: str) -> int:
    """Count months, so that `2512` and `2601` are neighbours."""
    return int(label[:2]) * 12 + int(label[2:]) - 1


def month_label(month: int) -> str:
    """Write a month number as the exchange does, `YYMM`."""
    return f"{month // 12:02d}{month % 12 + 1:02d}"


def expiry(month: int, sessions: Sequence[date], nth: int = 0) -> int:
    """Give the position of the last trading day, -1 before the first session: the 15th, postponed, or the `nth` session of the month."""
    day = date(2000 + month // 12, month % 12 + 1, 1 if nth else 15)
    return -1 if day < sessions[0] else bisect_left(sessions, day) + max(nth - 1, 0)


def dominant_months(market: Sequence[Day]) -> list[int]:
    """Give the dominant month in force on each day: a rival must close above 11/10 of the incumbent, from the next day, and only once."""
    current = max(market[0], key=lambda month: market[0][month].open_interest)
    past, chain = {current}, []
    for day in market:
        chain.append(current)
        rivals = {month: quote.open_interest for month, quote in day.items() if month not in past}
        best = max(rivals, key=lambda month: rivals[month])
        if rivals[best] * ROLL_MARGIN[1] > day[current].open_interest * ROLL_MARGIN[0]:
            current = best
            past.add(best)
    return chain


class Simulation:
    """One product's market over the whole history."""

    def __init__(self, code: str, spec: Mapping[str, Any], days: Sequence[date], sessions: Sequence[date], ledger: Ledger, seed: str) -> None:
        """Prepare the paths; `sessions` continues `days` beyond the sample, to know when the listed contracts expire."""
        self.spec, self.days, self.sessions, self.rng = spec, days, sessions, Random(f"{seed}:quotes:{code}")
        self.tick: int = spec["tick"]
        self.lot_cny: int = spec["tick"] * spec["lot_t"]
        self.published: dict[tuple[int, int], dict[str, int]] = {}
        for (day, contract), cell in ledger.table("shfe__daily_quotes"):
            if contract.startswith(code.upper()) and date.fromisoformat(day) <= days[-1]:
                place = bisect_left(days, date.fromisoformat(day)), month_number(contract[len(code) :])
                self.published.setdefault(place, {})[cell.column] = int(cell.value)
        # A day's reference is the contract whose whole bar was published; before that, the middle of the dominance chain.
        self.reference = {t: month for (t, month), cells in self.published.items() if "settle_price" in cells}
        first = month_number(spec["first_month"])
        last = month_number(f"{days[-1]:%y%m}") + WINDOW
        skipped = {month_number(label) for label in spec["skipped"]}
        months = spec.get("months", range(1, 13))
        self.delivered = {month for month in range(first, last + 1) if month % 12 + 1 in months}
        chain = [month for month in sorted(self.delivered) if month not in skipped]
        self.hand_over = {
            month: self._expiry(month) - spec["skipped_roll_sessions" if month in skipped else "roll_sessions"] for month in range(first, last + 1)
        }
        self.predecessor = dict(zip(chain[1:], chain, strict=False))
        self.first = first
        middles = {self.hand_over[a]: (a + b) / 2 for a, b in pairwise(chain)}
        final = min(self.reference, default=len(days))
        self.middle = line({**{t: month for t, month in middles.items() if t < final}, **self.reference}, len(days))
        closes = {t: float(self.published[t, month]["close_price"]) for t, month in self.reference.items()}
        self.level = bridge({**knots(spec["level"], days), **closes}, len(days), spec["noise"], self.rng)
        self.slope = line(knots(spec["slope"], days), len(days))
        self.peak = line(knots(spec["open_interest"], days), len(days))

    def run(self) -> list[Day]:
        """Simulate day after day; a contract's settlement is the next day's pre-settlement."""
        market: list[Day] = []
        for t in range(len(self.days)):
            yesterday = market[-1] if market else {}
            template, activity = self._template(t), self._between(*self.spec["turnover"])
            market.append({month: self._quote(t, month, yesterday.get(month), template, activity) for month in self._listed(t)})
        return market

    def _listed(self, t: int) -> list[int]:
        front = month_number(f"{self.days[t]:%y%m}")
        front += t > self._expiry(front)
        ahead = range(max(front, self.first), front + WINDOW)
        return [month for month in ahead if month in self.delivered][: int(self.spec["listed"])]

    def _expiry(self, month: int) -> int:
        return expiry(month, self.sessions, self.spec["last_session"])

    def _between(self, low: float, high: float) -> float:
        return low + (high - low) * self.rng.random()

    def _template(self, t: int) -> Template:
        close, before = self.level[t], self.level[max(t - 1, 0)]
        opened = before + (close - before) * self._between(-0.2, 0.6)
        reach = close * self.spec["range"]
        high, low = max(opened, close) + reach * self._between(0.1, 1), min(opened, close) - reach * self._between(0.1, 1)
        mean = (opened + high + low + close) / 4 + reach * 0.3 * noise(self.rng)
        if t not in self.reference:
            return Template(opened, high, low, close, mean)
        bar = self.published[t, self.reference[t]]
        high, low = bar["high_price"], bar["low_price"]
        return Template(bar.get("open_price", min(max(opened, low), high)), high, low, bar["close_price"], bar["settle_price"])

    def _weight(self, t: int, month: int) -> float:
        """Give a contract's open interest as a share of the dominant contract's."""
        left = self._expiry(month) - t
        width, near, fade, share = (float(self.spec[knob]) for knob in ("roll_width", "far_from", "far_width", "far_share"))
        before = self.predecessor.get(month)
        come = 1.0 if month == self.first else rise((t - self.hand_over[before]) / width) if before else 0.0
        gone = rise((t - self.hand_over[month]) / width)
        far = max(0.0, left - near) / fade
        # The last factor empties the contract as holders who cannot take delivery leave.
        return (1 - gone) * (come + (1 - come) * share / (1 + far * far * far * far)) * min(1.0, (left + 2) / 25)

    def _quote(self, t: int, month: int, yesterday: Quote | None, template: Template, activity: float) -> Quote:
        known, weight = self.published.get((t, month), {}), self._weight(t, month)
        ratio = 1 / (1 - self.slope[t] * (month - self.middle[t]))
        listing_price = known.get("pre_settle_price", self._snap(self.level[max(t - 1, 0)] * ratio))
        pre_settle = yesterday.settle if yesterday else listing_price
        held = known.get("open_interest_lots", int(self.peak[t] * weight * (1 + 0.04 * noise(self.rng))))
        # A contract older than the sample has a past we do not know: assume it did not change.
        before = yesterday.open_interest if yesterday else 0 if t or self.spec["listing_day"] else held
        usual = int((held + before) / 2 * activity * (0.1 + 0.9 * weight) * self._between(0.8, 1.2))
        volume = known.get("volume_lots", max(usual, abs(held - before)))
        if volume < self.spec["minimum_lots"]:
            return Quote(pre_settle, pre_settle, None, None, None, None, 0, before, 0, 0)
        opened, high, low, close, settle = self._bar(t, pre_settle, ratio, (1 - weight) * self._between(-2, 2) * self.tick, template, known)
        # Value in ticks: never a whole settlement price, and even where the exchange's three decimals demand it (aluminium).
        step = 10 // gcd(self.lot_cny, 10)
        ticks = volume * settle // self.tick + self.rng.randint(1, volume - step)
        ticks += -ticks % step
        return Quote(pre_settle, settle, opened, high, low, close, volume, held, held - before, ticks * self.lot_cny)

    def _bar(
        self, t: int, pre_settle: int, ratio: float, shift: float, template: Template, known: Mapping[str, int]
    ) -> tuple[int, int, int, int, int]:
        limit, tick = int(latest(self.spec["limits_pct"], self.days[t])), self.tick
        ceiling = pre_settle * (100 + limit) // 100 // tick * tick
        floor = -(-pre_settle * (100 - limit) // 100 // tick) * tick

        def inside(price: float) -> int:
            return min(max(self._snap(price * ratio + shift), floor), ceiling)

        prices = {name: inside(price) for name, price in template._asdict().items()}
        prices |= {name: known[f"{name}_price"] for name in ("open", "high", "low", "close") if f"{name}_price" in known}
        opened, close = prices["open"], prices["close"]
        high, low = max(prices["high"], opened, close), min(prices["low"], opened, close)
        if high == low:  # a locked limit: one trade off it keeps the mean price between the extremes
            high, low = (high + tick, low) if high < ceiling else (high, low - tick)
        settle = known.get("settle_price", min(max(prices["mean"], low), high - tick))
        return opened, high, low, close, settle

    def _snap(self, price: float) -> int:
        return int(price / self.tick + 0.5) * self.tick
