"""Daily quotes (`kx`): which rows are contracts, which are sums, and when a file is final."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ingest import values
from ingest.answer import extra_of, frame_of, require, rows_of, stated_time, text_of
from ingest.source import Outcome, Parsed, PayloadError, Reject, Request

# Turnover is printed per contract since this day; older files have no such column.
TURNOVER_FROM = date(2021, 7, 28)

_PRICES = {
    "open_price": "OPENPRICE",
    "high_price": "HIGHESTPRICE",
    "low_price": "LOWESTPRICE",
    "close_price": "CLOSEPRICE",
    "settle_price": "SETTLEMENTPRICE",
    "pre_settle_price": "PRESETTLEMENTPRICE",
}
_QUOTES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    **{column: (key, lambda value: values.number(value) or None) for column, key in _PRICES.items()},  # 0 is never a price
    "close_change": ("ZD1_CHG", values.number),
    "settle_change": ("ZD2_CHG", values.number),
    "volume_lots": ("VOLUME", values.whole),
    "open_interest_lots": ("OPENINTEREST", values.whole),
    "open_interest_change_lots": ("OPENINTERESTCHG", values.whole),
    "turnover_10k_cny": ("TURNOVER", values.number),
}
_QUOTES_KNOWN = {"PRODUCTID", "PRODUCTNAME", "PRODUCTCLASS", "DELIVERYMONTH", *(key for key, _ in _QUOTES.values())}
_QUOTES_UNUSED = {"PRODUCTGROUPID", "PRODUCTSORTNO", "ORDERNO", "ORDERNO2", "TASVOLUME"}


def parse_quotes(request: Request, day: date, envelope: Mapping[str, Any], remarks: list[str]) -> Parsed:
    """Read the quotes of every contract and the printed sums; refuses a file that is not final."""
    rows = rows_of(request, envelope, "o_curinstrument")
    keys = set().union(*rows)
    required = {"PRODUCTID", "DELIVERYMONTH", "SETTLEMENTPRICE"}
    if "o_code" in envelope:  # the exchange's own answer is complete; an extract somebody made of it may hold fewer columns
        required |= _QUOTES_KNOWN - {"PRODUCTCLASS", "PRODUCTNAME"} - ({"TURNOVER"} if day < TURNOVER_FROM else set())
    else:
        remarks.append(f"extract: without {', '.join(sorted(_QUOTES_KNOWN - keys))}")
    require(request, keys, required, remarks, _QUOTES_KNOWN | _QUOTES_UNUSED)
    quotes: list[dict[str, Any]] = []
    totals: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for row in rows:
        product, month = text_of(row.get("PRODUCTID")), text_of(row.get("DELIVERYMONTH"))
        is_contract = product.endswith("_f") and re.fullmatch(r"\d{4}", month) is not None
        if not is_contract and ("efp" in (month.lower(), product[-3:].lower()) or product.endswith("_tas")):
            continue  # exchanges of futures for physicals and trade-at-settlement orders are not contracts; the archive keeps them
        scope = "exchange" if product == "总计" else "product" if month == "小计" else None
        table = "shfe__daily_quotes" if is_contract else "shfe__daily_totals"
        if not is_contract and scope is None:
            rejects.append(Reject(table, "unknown_row", f"row {product!r} {month!r} is neither a contract nor a known sum", row))
            continue
        try:
            figures = {column: read(row.get(key)) for column, (key, read) in _QUOTES.items()}
        except ValueError as error:
            rejects.append(Reject(table, "not_a_number", str(error), row))
            continue
        product_id = "" if scope == "exchange" else product.removesuffix("_f")
        if is_contract:
            quotes.append(
                {
                    "trade_date": day,
                    "product_id": product_id,
                    "product_name": text_of(row.get("PRODUCTNAME")) or None,
                    "product_class": text_of(row.get("PRODUCTCLASS")) or None,
                    "delivery_month_code": month,
                    **figures,
                    "extra": extra_of(row, _QUOTES_KNOWN | _QUOTES_UNUSED),
                }
            )
        else:
            totals.append({"trade_date": day, "total_scope": scope, "product_id": product_id, **figures})
    # A settlement printed as 0 is a hole in a final file; one left blank while the contract traded means the file is intraday.
    traded = [
        row
        for row in rows
        if text_of(row.get("PRODUCTID")).endswith("_f") and re.fullmatch(r"\d{4}", text_of(row.get("DELIVERYMONTH"))) and _positive(row.get("VOLUME"))
    ]
    blank = [row for row in traded if text_of(row.get("SETTLEMENTPRICE")) in values.BLANKS]
    if blank:
        raise PayloadError(
            Outcome.NOT_PUBLISHED,
            "unsettled",
            f"{request.name} is not final: {len(blank)} of {len(traded)} traded contracts have no settlement price yet",
        )
    if not quotes:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", f"{request.name} holds no contract")
    return Parsed(
        {"shfe__daily_quotes": frame_of("shfe__daily_quotes", quotes), "shfe__daily_totals": frame_of("shfe__daily_totals", totals)},
        tuple(rejects),
        stated_time(envelope),
        tuple(remarks),
    )


def _positive(value: Any) -> bool:
    try:
        return (values.number(value) or 0) > 0
    except ValueError:
        return False
