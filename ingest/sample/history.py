"""Simulate every market of the sample, once and completely, from the data files."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from ingest.catalog.calendar import trading_days
from ingest.sample import bars, news, quotes, receipts, spot, trade, vendor
from ingest.sample.ledger import Ledger, load_ledger

FIRST_DAY = date(2023, 6, 19)
LAST_DAY = date(2025, 7, 23)
SECOND_FROM = date(2024, 12, 17)  # the second exchange: since its tick is 20, and long enough for a chain of returns an outlook can stand on
SHORT_FROM = date(2025, 4, 1)  # feeds without a long history of their own begin here, on the first session of a month
HORIZON = date(2026, 12, 31)  # the listed contracts expire after the sample ends
SIMULATED_FILE = Path(__file__).with_name("simulated.toml")


@dataclass(frozen=True)
class Market:
    """What happened at one exchange on each of `days`; every list runs parallel to it."""

    days: list[date]
    spec: Mapping[str, Any]
    quotes: Mapping[str, list[quotes.Day]]
    receipts: Mapping[str, receipts.Levels]


@dataclass(frozen=True)
class History:
    """What happened on each of `days`; every list but the events and those of the other exchanges runs parallel to it."""

    days: list[date]
    spec: Mapping[str, Any]
    quotes: Mapping[str, list[quotes.Day]]
    bars: list[list[bars.Bar]]
    receipts: Mapping[str, receipts.Levels]
    others: Market  # products of the same exchange of which there are quotes and receipts alone
    gfex: Market
    czce: Market
    spot: list[list[spot.Price]]
    flashes: list[list[news.Flash]]
    fixings: list[list[str]]
    vendor: Mapping[str, vendor.Series]  # by series id, each with dates of its own
    trade: trade.Book
    events: list[news.Event]


@lru_cache
def load_history() -> History:
    """Simulate the whole sample. It always makes all of it, so that a slice of days is the same for every caller."""
    spec, ledger = tomllib.loads(SIMULATED_FILE.read_text(encoding="utf-8")), load_ledger()
    seed = spec["seed"]
    days, sessions = trading_days(FIRST_DAY, LAST_DAY), trading_days(FIRST_DAY, HORIZON)
    market = {code: quotes.Simulation(code, facts, days, sessions, ledger, seed).run() for code, facts in spec["quotes"].items()}
    expiries = {quotes.expiry(month, sessions) for day in market["ao"] for month in day}
    stocks = {code: receipts.simulate(code, facts, days, expiries, ledger, seed) for code, facts in spec["receipts"].items()}
    dominant = [day[month] for day, month in zip(market["ao"], quotes.dominant_months(market["ao"]), strict=True)]
    prices = spot.simulate(spec["spot"], days, dominant, ledger, seed)
    noon = [next((row[0].average_cents - price.average_cents) // 100 for price in row if price.series_id == spot.SPREAD) for row in prices]
    index = {day: row[0].average_cents / 100 for day, row in zip(days, prices, strict=True)}
    return History(
        days,
        spec,
        quotes=market,
        bars=bars.simulate(spec["bars"], spec["quotes"], market, {"ao": noon}, days, ledger, seed),
        receipts=stocks,
        others=_market(_spelled_out(spec["others"]), days, sessions, ledger, seed),
        gfex=_other_exchange(spec["gfex"], SECOND_FROM, ledger, seed),
        czce=_other_exchange(spec["czce"], SHORT_FROM, ledger, seed),
        spot=prices,
        flashes=news.flashes(spec["newsflash"], days, dominant, seed),
        fixings=news.fixings(spec["fx"], days, ledger, seed),
        vendor=vendor.simulate(spec["vendor"], days, index, ledger, seed),
        trade=trade.simulate(spec["customs"], ledger, seed),
        events=news.load_events(),
    )


def _other_exchange(spec: Mapping[str, Any], first: date, ledger: Ledger, seed: str) -> Market:
    return _market(spec, trading_days(first, LAST_DAY), trading_days(first, HORIZON), ledger, seed)


def _market(spec: Mapping[str, Any], days: list[date], sessions: list[date], ledger: Ledger, seed: str) -> Market:
    market = {code: quotes.Simulation(code, facts, days, sessions, ledger, seed).run() for code, facts in spec["quotes"].items()}
    stocks: dict[str, receipts.Levels] = {}
    for code, facts in spec["receipts"].items():
        nth = spec["quotes"][code]["last_session"]
        expiries = {quotes.expiry(month, sessions, nth) for day in market[code] for month in day}
        stocks[code] = receipts.simulate(code, facts, days, expiries, ledger, seed)
    return Market(days, spec, market, stocks)


def _spelled_out(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Give each of the other products all it is simulated by; its receipts lie in two warehouses."""
    place = {"english": "Shanghai", "warehouses": ["样本申库$$Sample S", "样本浦库$$Sample P"]}
    return {
        "quotes": {code: spec["shared"] | own for code, own in spec["products"].items()},
        "receipts": {
            code: {
                "warrant": own["warrant"],
                "balancing": "",
                "unit": own.get("unit", "t"),
                "tables": [{"name": f"{own['name']}$${own['english']}", "type": "1", "total": True, "regions": ["上海"]}],
                "regions": {"上海": place | {"level": own["receipts"]}},
            }
            for code, own in spec["products"].items()
        },
    }
