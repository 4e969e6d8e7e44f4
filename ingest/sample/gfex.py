"""The simulated second exchange: how it answers about a day, one product asked for. Format knowledge only; every number comes from the market."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ingest.sample.history import Market
from ingest.sample.quotes import Quote, month_label
from ingest.sample.receipts import by_warehouse
from ingest.source import SHANGHAI
from ingest.sums import added

TEN_THOUSAND = 10_000  # turnover is in units of 10,000 CNY
TOTAL, SUBTOTAL = "总计", "小计"
UNUSED = dict.fromkeys(("impliedVolatility", "delta"))

Row = dict[str, Any]


def daily_quotes(market: Market, code: str, t: int, answered: datetime) -> bytes:
    """Write the daily quotes of a product: the sum of all, the contracts, the sum of the product."""
    spec, contracts = market.spec["quotes"][code], market.quotes[code][t]
    name, english = spec["name"], spec["english"]
    sums = _sums(contracts.values())
    rows = [
        _quote(TOTAL, "Total", "", "", sums),
        *(_quote(name, english, code, month_label(month), _contract(quote)) for month, quote in contracts.items()),
        _quote(f"{name}{SUBTOTAL}", f"{english} Subtotal", code, "", sums),
    ]
    return _answer({"trade_date": [f"{market.days[t]:%Y%m%d}"], "trade_type": ["0"], "variety": [code]}, rows, answered)


def _quote(name: str, english: str, code: str, month: str, figures: Row) -> Row:
    return {"variety": name, "varietyEn": english, "varietyOrder": code, "delivMonth": month} | figures | UNUSED | {"matchQtySum": 0}


def _contract(quote: Quote) -> Row:
    # An untraded contract has no prices but its settlement, at which it also closes.
    close = quote.settle if quote.close is None else quote.close
    return {
        "open": quote.open,
        "high": quote.high,
        "low": quote.low,
        "close": close,
        "lastClear": quote.pre_settle,
        "clearPrice": quote.settle,
        "diff": close - quote.pre_settle,
        "diff1": quote.settle - quote.pre_settle,
        "diffI": quote.open_interest_change,
        "volumn": quote.volume,  # so the exchange spells it
        "openInterest": quote.open_interest,
        "turnover": quote.turnover_cny / TEN_THOUSAND,
    }


def _sums(quotes: Iterable[Quote]) -> Row:
    volume, held, change, turnover = (added(column) for column in list(zip(*quotes, strict=True))[6:])
    prices = dict.fromkeys(("open", "high", "low", "close", "lastClear", "clearPrice", "diff", "diff1"))
    return prices | {"diffI": change, "volumn": volume, "openInterest": held, "turnover": turnover / TEN_THOUSAND}


def warehouse_receipts(market: Market, code: str, t: int, answered: datetime) -> bytes:
    """Write the warrants of a product in lots: the sum of all, the warehouses, the sum of the product. Only warehouses are dated."""
    spec, day = market.spec["receipts"][code], f"{market.days[t]:%Y%m%d}"
    rows: list[Row] = []
    for place, levels in market.receipts[code].items():
        warehouses = spec["regions"][place]["warehouses"]
        now, before = (by_warehouse(levels[max(t - back, 0)], len(warehouses), spec["warrant"]) for back in (0, 1))
        rows += [_receipt(spec["name"], code, number, name, day, *lots) for (number, name), *lots in zip(warehouses, now, before, strict=True)]
    now_total, before_total = (added(row[key] for row in rows) for key in ("wbillQty", "lastWbillQty"))
    total = _receipt(TOTAL, "", "", "", "", now_total, before_total)
    subtotal = _receipt(f"{spec['name']}{SUBTOTAL}", code, "wh_code_order", "", "", now_total, before_total)
    return _answer({"gen_date": [day], "variety": [code]}, [total, *rows, subtotal], answered)


def _receipt(name: str, code: str, number: str, warehouse: str, day: str, now: int, before: int) -> Row:
    return {
        "varietyOrder": code,
        "groupCodeOrder": None,
        "whCodeOrder": number,
        "whType": "2" if day else "",
        "genDate": day,
        "whAbbr": warehouse,
        "trademarkName": "",
        "variety": name,
        "lastWbillQty": before,
        "wbillQty": now,
        "diff": now - before,
    }


def _answer(asked: Row, rows: list[Row], answered: datetime) -> bytes:
    milliseconds = int(answered.replace(tzinfo=SHANGHAI).timestamp()) * 1000  # the server's clock, not a time of publication
    document = {"code": "0", "msg": "接口访问成功！", "param": asked, "data": rows, "time": milliseconds}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
