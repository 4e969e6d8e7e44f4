"""What the exchange sets for each contract and day: settlement parameters (`js`), margins and fees, price limits, base data, its own calendar.

The three files print the same kind of figure in different units: fees are per mille in `js`, plain fractions in `Settlement`.
Each is kept as printed, under a name that carries its unit; nothing is converted here.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ingest import values
from ingest.answer import extra_of, frame_of, lacking, require, rows_of, stated_time, text_of
from ingest.source import Outcome, Parsed, PayloadError, Reject, Request

PARAMETERS_AT = "https://www.shfe.com.cn/data/busiparamdata/future"

_Columns = Mapping[str, tuple[str, Callable[[Any], Any]]]


def _price(value: Any) -> float | None:
    return values.number(value) or None  # 0 is never a price


def _code(value: Any) -> str | None:
    return text_of(value) or None


_JS: _Columns = {
    "settle_price": ("SETTLEMENTPRICE", _price),
    "spec_long_margin_ratio": ("SPECLONGMARGINRATIO", values.number),
    "spec_short_margin_ratio": ("SPECSHORTMARGINRATIO", values.number),
    "hedge_long_margin_ratio": ("HEDGLONGMARGINRATIO", values.number),
    "hedge_short_margin_ratio": ("HEDGSHORTMARGINRATIO", values.number),
    "trade_fee_permille": ("TRADEFEERATIO", values.number),
    "trade_fee_cny_lot": ("TRADEFEEUNIT", values.number),
    # Client libraries call TTRADEFEE* the fee of closing on the same day; it is the fee of hedging trades.
    "hedge_trade_fee_permille": ("TTRADEFEERATIO", values.number),
    "hedge_trade_fee_cny_lot": ("TTRADEFEEUNIT", values.number),
    "delivery_fee_permille": ("COMMODITYDELIVFEERATIO", values.number),
    "delivery_fee_cny": ("COMMODITYDELIVFEEUNIT", values.number),
    "unidirect_code": ("UNIDIRECT", _code),
    "unit_today_code": ("ISUNITODAY", _code),
}
_JS_OPTIONAL = {"UNIDIRECT", "ISUNITODAY"}

_SETTLEMENT: _Columns = {
    "settle_price": ("SETTLEMENTPRICE", _price),
    "spec_long_margin_ratio": ("SPEC_LONGMARGINRATIO", values.number),
    "spec_short_margin_ratio": ("SPEC_SHORTMARGINRATIO", values.number),
    "hedge_long_margin_ratio": ("LONGMARGINRATIO", values.number),
    "hedge_short_margin_ratio": ("SHORTMARGINRATIO", values.number),
    "trade_fee_ratio": ("TRADEFEERATION", values.number),
    "trade_fee_cny_lot": ("TRADEFEEUNIT", values.number),
    "hedge_trade_fee_ratio": ("HTRADEFEERATIO", values.number),
    "hedge_trade_fee_cny_lot": ("HTRADEFEEUNIT", values.number),
    "delivery_fee_ratio": ("COMMODITYDELIVERYFEERATION", values.number),
    "delivery_fee_cny": ("COMMODITYDELIVERYFEEUNIT", values.number),
    "close_today_fee_multiple": ("DISCOUNTRATE", values.number),
}
# Fees of hedging trades are printed since this day; older files have no such columns.
_HEDGE_FEES_FROM = date(2023, 9, 4)
_HEDGE_FEES = {"HTRADEFEERATIO", "HTRADEFEEUNIT"}

_LIMITS: _Columns = {
    "upper_limit_ratio": ("UPPER_VALUE", values.number),
    "lower_limit_ratio": ("LOWER_VALUE", values.number),
    "spec_long_margin_ratio": ("SPEC_LONGMARGINRATIO", values.number),
    "spec_short_margin_ratio": ("SPEC_SHORTMARGINRATIO", values.number),
    "hedge_long_margin_ratio": ("HDEGE_LONGMARGINRATIO", values.number),  # sic
    "hedge_short_margin_ratio": ("HDEGE_SHORTMARGINRATIO", values.number),
}


def _day(value: Any) -> date | None:
    return values.day(value) if text_of(value) else None


_CONTRACTS: _Columns = {
    "listing_date": ("OPENDATE", _day),
    "last_trading_day": ("EXPIREDATE", _day),
    "delivery_start_date": ("STARTDELIVDATE", _day),
    "delivery_end_date": ("ENDDELIVDATE", _day),
    "base_price": ("BASISPRICE", _price),
}


def parse_settlement_parameters(request: Request, day: date, envelope: Mapping[str, Any], remarks: list[str]) -> Parsed:
    """Read `js`: settlement price, margins, and fees in per mille."""
    rows = rows_of(request, envelope, "o_cursor")
    parsed = _by_contract("shfe__settlement_parameters", request, day, envelope, rows, remarks, _JS, _JS_OPTIONAL)
    prices = parsed.frames["shfe__settlement_parameters"]["settle_price"]
    if len(prices) and prices.null_count() == len(prices):
        raise PayloadError(Outcome.NOT_PUBLISHED, "unsettled", f"{request.name} is not final: no contract has a settlement price yet")
    return parsed


def parse_margins_fees(request: Request, day: date, envelope: Mapping[str, Any], remarks: list[str]) -> Parsed:
    """Read `Settlement`: margins and fees that hold from the settlement of the day on, every figure a string."""
    optional = _HEDGE_FEES if day < _HEDGE_FEES_FROM else set()
    return _by_contract("shfe__margins_fees", request, day, envelope, rows_of(request, envelope, "Settlement"), remarks, _SETTLEMENT, optional)


def parse_price_limits(request: Request, day: date, envelope: Mapping[str, Any], remarks: list[str]) -> Parsed:
    """Read `ContractDailyTradeArgument`: price limits and margins that were in force during the day."""
    rows = rows_of(request, envelope, "ContractDailyTradeArgument")
    return _by_contract("shfe__price_limits", request, day, envelope, rows, remarks, _LIMITS, set())


def listed_on(envelope: Mapping[str, Any]) -> str:
    """Give the day a list of contracts is about where its envelope does not say: the trading day of its rows, where they agree."""
    rows = envelope.get("ContractBaseInfo", envelope.get("OptionContractBaseInfo"))
    days = {text_of(row.get("TRADINGDAY")) for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set()
    return days.pop() if len(days) == 1 else ""


def parse_contracts(request: Request, day: date, envelope: Mapping[str, Any], remarks: list[str]) -> Parsed:
    """Read `ContractBaseInfo`: when each contract was listed, trades last and is delivered. Options have a list of the same file name."""
    if "OptionContractBaseInfo" in envelope:
        raise PayloadError(
            Outcome.NOT_DATA,
            "options",
            f"{request.name} is the list of option contracts, which this warehouse does not read; the list of futures contracts of {day} is wanted, "
            f"which the exchange gives under the same name, {PARAMETERS_AT}/ContractBaseInfo{day:%Y%m%d}.dat",
        )
    return _by_contract("shfe__contracts", request, day, envelope, rows_of(request, envelope, "ContractBaseInfo"), remarks, _CONTRACTS, set())


def parse_trading_day(request: Request, envelope: Mapping[str, Any], remarks: list[str]) -> Parsed:
    """Read `currentTradingday`: the session the exchange says it is in, and the one before."""
    keys = ("currentTradingday", "lastTradingday")
    require(request, set(envelope), set(keys), remarks, set(keys))
    try:
        current, previous = (values.day(envelope[key]) for key in keys)
    except ValueError as error:
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_date", f"{request.name} states no trading day: {error}") from None
    if previous >= current:
        raise PayloadError(Outcome.NOT_DATA, "wrong_order", f"{request.name} says that {previous} comes before {current}")
    frame = frame_of("shfe__trading_day", [{"trade_date": current, "previous_trade_date": previous, "extra": extra_of(envelope, set(keys))}])
    return Parsed({"shfe__trading_day": frame}, remarks=tuple(remarks))


def _by_contract(
    table: str,
    request: Request,
    day: date,
    envelope: Mapping[str, Any],
    rows: list[Mapping[str, Any]],
    remarks: list[str],
    columns: _Columns,
    optional: set[str],
) -> Parsed:
    """Read one row per contract; a row that names another trading day than the file is put aside."""
    printed = {key for key, _ in columns.values()}
    ignored = {"INSTRUMENTID", "PRODUCTID", "PRODUCTNAME", "TRADINGDAY"}
    unread = {"PRICE_LIMITS"}  # blank in every file seen; if it ever has a value, the value is kept as text
    required = {"INSTRUMENTID"} | printed - optional
    require(request, set().union(*rows), required, remarks, printed | ignored | unread)
    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for row in rows:
        if gap := lacking(table, row, required):
            rejects.append(gap)
            continue
        instrument = text_of(row["INSTRUMENTID"])
        match = re.fullmatch(r"([A-Za-z]+)(\d{4})", instrument)
        stated = text_of(row.get("TRADINGDAY"))
        try:
            if match is None:
                raise ValueError(f"not_a_contract: {instrument!r} is not a contract")
            if stated not in ("", f"{day:%Y%m%d}"):
                raise ValueError(f"wrong_date: the row is about {stated}, the file about {day:%Y%m%d}")
            figures = {column: _read(read, row.get(key)) for column, (key, read) in columns.items()}
        except ValueError as error:
            reason, _, message = str(error).partition(": ")
            rejects.append(Reject(table, reason, message, row))
            continue
        blank_unread = {key for key in unread if not text_of(row.get(key))}
        contract = {"trade_date": day, "instrument": instrument, "product_id": match[1].lower(), "delivery_month_code": match[2]}
        kept.append(contract | figures | {"extra": extra_of(row, printed | ignored | blank_unread)})
    return Parsed({table: frame_of(table, kept)}, tuple(rejects), stated_time(envelope), tuple(remarks))


def _read(read: Callable[[Any], Any], value: Any) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"not_a_number: {error}") from None
