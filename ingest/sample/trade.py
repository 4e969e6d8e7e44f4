"""The simulated foreign trade: kilograms and dollars by month, flow, code and partner, under the published totals."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from ingest.sample.ledger import Ledger
from ingest.sample.paths import latest, line, noise
from ingest.sums import added

KG_PER_T = 1000
NO_RELEASE = 2  # nothing comes out in February: January arrives with February's figures, in March
RELEASE_DAY = 20
REPORTED_AFTER = timedelta(days=579)  # from the first of the month: eighteen months after its end


class Trade(NamedTuple):
    """One row of the customs' detail."""

    code: str
    name: str
    partner_code: str
    partner: str
    kilograms: int
    usd: int


class Reported(NamedTuple):
    """What UN Comtrade holds of one heading, month and flow, over all partners."""

    code: str
    flow: str
    month: date
    kilograms: int
    usd: int
    is_estimated: bool


Book = dict[tuple[date, str], list[Trade]]  # by month and flow


def release(month: date) -> date:
    """Give the day a month's detail comes out: the 20th of the month after, weekends included."""
    place = month.year * 12 + month.month
    place += place % 12 + 1 == NO_RELEASE
    return date(place // 12, place % 12 + 1, RELEASE_DAY)


def reported(month: date) -> date:
    """Give the day on which UN Comtrade first answers about a month."""
    return month + REPORTED_AFTER


def simulate(spec: Mapping[str, Any], ledger: Ledger, seed: str) -> Book:
    """Give the rows of every month and flow."""
    book: Book = {}
    first = spec["first_month"].year * 12 + spec["first_month"].month - 1
    for flow in spec["flows"]:
        months = [date(place // 12, place % 12 + 1, 1) for place in range(first, first + len(flow["total_t"]))]
        prices = line({months.index(month): float(price) for month, price in flow["usd_t"]}, len(months))
        for month, total_t, price in zip(months, flow["total_t"], prices, strict=True):
            key = f"{month}|{flow['code']}|{flow['flow']}|total"
            kilograms = _total(ledger, key, "qty_t", Decimal(total_t), KG_PER_T)
            usd = _total(ledger, key, "value_usd", Decimal(int(total_t * price)), 1)
            rng = Random(f"{seed}:trade:{flow['flow']}:{flow['code']}:{month}")
            book.setdefault((month, flow["flow"]), []).extend(_partners(flow, month, kilograms, usd, rng))
    return book


def headings(spec: Mapping[str, Any], book: Book) -> list[Reported]:
    """Give what UN Comtrade will hold of every month: the item and what else is under its heading."""
    return [
        Reported(
            heading["code"],
            flow,
            month,
            added(row.kilograms for row in trades if row.code == heading["item"]) + heading["more_t"] * KG_PER_T,
            added(row.usd for row in trades if row.code == heading["item"]) + heading["more_usd"],
            heading["is_estimated"],
        )
        for (month, flow), trades in book.items()
        for heading in spec["headings"]
        if heading["flow"] == flow
    ]


def _total(ledger: Ledger, key: str, column: str, simulated: Decimal, units: int) -> int:
    """Give the published total where it was printed exactly; a rounded one only bounds the simulated figure."""
    cell = ledger.find("customs__monthly_trade", key, column)
    if cell and cell.is_precise:
        return int(cell.value * units)
    if cell and not cell.agrees(simulated):
        raise ValueError(f"the simulated {column} of {key} is {simulated}, published was {cell.value}")
    return int(simulated * units)


def _partners(flow: Mapping[str, Any], month: date, kilograms: int, usd: int, rng: Random) -> list[Trade]:
    """Share a total out: a fixed part to the main partner, the rest by weight, what is left over to the second."""
    partners: Sequence[Any] = flow["partners"]
    weights = [weight * (1 + noise(rng)) for _, _, weight, _ in partners]
    main = round(kilograms * latest(flow["main"], month))
    amounts = [int((kilograms - main) * weight / added(weights)) for weight in weights]
    amounts[0] = main
    amounts[1] += kilograms - added(amounts)
    prices = [multiple * (1 + 0.1 * noise(rng)) for _, _, _, multiple in partners]
    worth = added(amount * price for amount, price in zip(amounts, prices, strict=True))
    values = [int(usd * amount * price / worth) for amount, price in zip(amounts, prices, strict=True)]
    values[0] += usd - added(values)
    return [
        Trade(flow["code"], flow["name"], code, name, amount, value)
        for (code, name, _, _), amount, value in zip(partners, amounts, values, strict=True)
        if amount
    ]
