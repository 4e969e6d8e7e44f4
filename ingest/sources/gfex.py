"""Guangzhou Futures Exchange: daily quotes and warehouse receipts, each one POST form away.

An answer covers one product (`variety`) or the whole exchange. It carries its day only in what was asked (`param`) and, for
receipts, in the date of the detail rows; its `time` is the server's clock, not a time of publication. A day without data is
answered with status 200 and one sum row of zeros or nulls, alike for a holiday and for a day that is not published yet.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from ingest import values
from ingest.answer import extra_of, frame_of, lacking, read_json, require, rows_of, text_of
from ingest.catalog.calendar import CalendarHorizonError
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.inspect import inspect
from ingest.labels import Extent, UnknownSumError, is_whole, sum_label
from ingest.source import Cadence, Outcome, Parsed, PayloadError, Reject, Request, Response, Verdict
from ingest.table import part_of

HOST = "http://www.gfex.com.cn"
BASE = f"{HOST}/u"
_HEADERS = {"Referer": f"{HOST}/", "X-Requested-With": "XMLHttpRequest"}
# feed -> address, name of the form's date field (which is also what `param` calls it)
_FEEDS = {
    "day_quotes": (f"{BASE}/interfacesWebTiDayQuotes/loadList", "trade_date"),
    "wbill": (f"{BASE}/interfacesWebTdWbillWeeklyQuotes/loadList", "gen_date"),
}
_NAME = re.compile(r"(?:^|/)(?P<feed>day_quotes|wbill)(?:_[A-Za-z]+)?(?:_(?P<day>\d{8}))?(?:_\w+)?\.json$")

QUOTES, TOTALS, RECEIPTS = "gfex__daily_quotes", "gfex__daily_totals", "gfex__warehouse_receipts"


def _price(value: Any) -> float | None:
    return values.number(value) or None  # 0 is never a price


_QUOTES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "open_price": ("open", _price),
    "high_price": ("high", _price),
    "low_price": ("low", _price),
    "close_price": ("close", _price),
    "settle_price": ("clearPrice", _price),
    "pre_settle_price": ("lastClear", _price),
    "close_change": ("diff", values.number),
    "settle_change": ("diff1", values.number),
    "volume_lots": ("volumn", values.whole),  # sic
    "open_interest_lots": ("openInterest", values.whole),
    "open_interest_change_lots": ("diffI", values.whole),
    "turnover_10k_cny": ("turnover", values.number),
}
_QUOTES_KNOWN = {"variety", "varietyOrder", "delivMonth", *(key for key, _ in _QUOTES.values())}
_QUOTES_UNUSED = {"varietyEn", "impliedVolatility", "delta", "matchQtySum"}

_RECEIPTS: dict[str, str] = {"receipts_qty": "wbillQty", "receipts_change_qty": "diff", "previous_receipts_qty": "lastWbillQty"}
_RECEIPTS_REQUIRED = {"variety", "varietyOrder", "whCodeOrder", "whAbbr", "genDate", *_RECEIPTS.values()}
_RECEIPTS_KNOWN = _RECEIPTS_REQUIRED | {"whType", "trademarkName"}
# Only some answers have registrations and cancellations. They are kept as text; the change is `diff`.
_RECEIPTS_UNUSED = {"groupCodeOrder"}
_RECEIPTS_KEPT = {"regWbillQty", "logoutWbillQty"}


class Gfex:
    """The exchange's daily answers, live or from disk."""

    name = "gfex"
    parser_version = "2"
    tables = (QUOTES, TOTALS, RECEIPTS)
    cadence = Cadence.SESSIONS

    def __init__(self, configuration: Configuration = SHIPPED_ONLY) -> None:
        self.configuration = configuration

    def requests(self, day: date) -> Iterable[Request]:
        """Give the two forms of one day, for the whole exchange. A plain GET is answered with status 520."""
        stamp = f"{day:%Y%m%d}"
        requests = []
        for feed, (url, field) in _FEEDS.items():
            form = {field: stamp} | ({"trade_type": "0"} if feed == "day_quotes" else {})  # 1 would be options
            dataset = QUOTES if feed == "day_quotes" else RECEIPTS
            requests.append(Request(self.name, feed, stamp, f"{feed}_{stamp}.json", day, url, "POST", form, _HEADERS, dataset=dataset))
        return requests

    def recognise(self, path: str) -> Request | None:
        """Know a saved answer by its name; one without a day in its name is about the day it states inside."""
        match = _NAME.search(path)
        if match is None:
            return None
        name = path.rsplit("/", 1)[-1]
        try:
            day = values.day(match["day"]) if match["day"] else None
        except ValueError:
            return None
        return Request(self.name, match["feed"], match["day"] or name.removesuffix(".json"), name, day)

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Expect JSON."""
        return inspect(response, "json")

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Read one answer; the day it was asked for, as it says itself, must be the day of the request."""
        answer, remarks = read_json(body)
        if text_of(answer.get("code")) not in ("", "0"):
            raise PayloadError(Outcome.NOT_DATA, "refused", f"{request.name}: the exchange refused the query: {text_of(answer.get('msg'))}")
        stated = _stated_day(request, answer)
        day = request.day or stated
        if stated is not None and stated != day:
            raise PayloadError(Outcome.NOT_DATA, "wrong_date", f"{request.name} is about {stated}, not {day}")
        rows = rows_of(request, answer, "data")
        if request.feed == "wbill":
            self._refuse_placeholder(request, day, rows)
            return _receipts(request, day, rows, remarks)
        if text_of(_parameter(answer, "trade_type")) not in ("", "0"):
            raise PayloadError(Outcome.NOT_DATA, "options", f"{request.name} holds options, not futures")
        if stated is None or day is None:
            raise PayloadError(Outcome.FORMAT_CHANGED, "no_date", f"{request.name} does not say which day it was asked for")
        self._refuse_placeholder(request, day, rows)
        return _quotes(request, day, rows, remarks)

    def _refuse_placeholder(self, request: Request, day: date | None, rows: list[Mapping[str, Any]]) -> None:
        if not _is_placeholder(request, rows):
            return
        if day is not None and self._is_closed(day):
            raise PayloadError(Outcome.NO_SESSION, "calendar", f"the exchange is closed on {day}; {request.name} is its placeholder")
        raise PayloadError(Outcome.NOT_PUBLISHED, "placeholder", f"{request.name} holds no data yet, only the exchange's placeholder row")

    def _is_closed(self, day: date) -> bool:
        try:
            return not self.configuration.calendar.is_session(day)
        except CalendarHorizonError:
            return False  # after the end of the calendar the day counts as not published


def _quotes(request: Request, day: date, rows: list[Mapping[str, Any]], remarks: list[str]) -> Parsed:
    require(request, set().union(*rows), _QUOTES_KNOWN, remarks, _QUOTES_KNOWN | _QUOTES_UNUSED)
    quotes: list[dict[str, Any]] = []
    totals: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    unsettled = 0
    for row in rows:
        product, name, month = text_of(row.get("varietyOrder")).lower(), text_of(row.get("variety")), text_of(row.get("delivMonth"))
        is_contract = re.fullmatch(r"\d{4}", month) is not None and product != ""
        level = None if is_contract else _sum_level(name, product)
        scope = None if level is None else level.removesuffix("_total")
        table = QUOTES if is_contract else TOTALS
        if not is_contract and scope is None:
            rejects.append(Reject(table, "unknown_row", f"row {name!r} {month!r} is neither a contract nor a known sum", row))
            continue
        try:
            figures = {column: read(row.get(key)) for column, (key, read) in _QUOTES.items()}
        except ValueError as error:
            rejects.append(Reject(table, "not_a_number", str(error), row))
            continue
        if is_contract:
            unsettled += bool(figures["volume_lots"]) and text_of(row.get("clearPrice")) in values.BLANKS
            known = {"trade_date": day, "product_id": product, "product_name": name or None, "delivery_month_code": month}
            quotes.append(known | figures | {"extra": extra_of(row, _QUOTES_KNOWN | _QUOTES_UNUSED)})
        else:
            totals.append({"trade_date": day, "total_scope": scope, "product_id": "" if scope == "exchange" else product, **figures})
    if unsettled:
        raise PayloadError(
            Outcome.NOT_PUBLISHED, "unsettled", f"{request.name} is not final: {unsettled} traded contracts have no settlement price yet"
        )
    if not quotes:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", f"{request.name} holds no contract")
    return Parsed({QUOTES: frame_of(QUOTES, quotes), TOTALS: frame_of(TOTALS, totals)}, tuple(rejects), remarks=tuple(remarks))


def _receipts(request: Request, day: date | None, rows: list[Mapping[str, Any]], remarks: list[str]) -> Parsed:
    dated = {text_of(row.get("genDate")) for row in rows} - {""}
    require(request, set().union(*rows), _RECEIPTS_REQUIRED, remarks, _RECEIPTS_KNOWN | _RECEIPTS_UNUSED | _RECEIPTS_KEPT)
    if day is None:
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_date", f"{request.name} says neither in its name nor inside which day it is about")
    if wrong := sorted(dated - {f"{day:%Y%m%d}"}):
        raise PayloadError(Outcome.NOT_DATA, "wrong_date", f"{request.name} holds rows about {', '.join(wrong)}, not {day:%Y%m%d}")
    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for row in rows:
        if gap := lacking(RECEIPTS, row, _RECEIPTS_REQUIRED):
            rejects.append(gap)
            continue
        product, name, place = text_of(row["varietyOrder"]).lower(), text_of(row["variety"]), text_of(row["whAbbr"])
        is_dated = text_of(row.get("genDate")) != ""  # the exchange prints a date for warehouses, not for sums
        level = _sum_level(name, product) or ("detail" if is_dated and product else None)
        part = part_of(row, product_id=product, row_level=level or "detail")
        if is_dated and (level != "detail" or _is_like_a_sum(place)):
            raise PayloadError(
                Outcome.FORMAT_CHANGED,
                "unknown_sum",
                f"{request.name} has a row {name!r} {place!r} that is dated like a warehouse and named like a sum; "
                "a sum must not be counted as a warehouse, so nothing of it is read",
            )
        if level is None:
            rejects.append(Reject(RECEIPTS, "unknown_row", f"row {name!r} is neither a warehouse nor a known sum", part))
            continue
        product = "" if level == "exchange_total" else product
        is_detail = level == "detail"
        try:
            figures = {column: values.number(row.get(key)) for column, key in _RECEIPTS.items()}
        except ValueError as error:
            rejects.append(Reject(RECEIPTS, "not_a_number", str(error), part))
            continue
        kept.append(
            {
                "trade_date": day,
                "product_id": product,
                "product_name": name,
                "warehouse_id": text_of(row.get("whCodeOrder")) if is_detail else "",
                "warehouse": text_of(row.get("whAbbr")),
                "warehouse_type_code": text_of(row.get("whType")) or None,
                "trademark": text_of(row.get("trademarkName")),
                "row_level": level,
                **figures,
                "quantity_unit": "lot",
                "extra": extra_of(row, _RECEIPTS_KNOWN | _RECEIPTS_UNUSED),
            }
        )
    if not any(row["row_level"] == "detail" for row in kept):
        raise PayloadError(Outcome.NOT_DATA, "no_rows", f"{request.name} holds no warehouse")
    return Parsed({RECEIPTS: frame_of(RECEIPTS, kept)}, tuple(rejects), remarks=tuple(remarks))


def _sum_level(name: str, product: str) -> str | None:
    """Say what a row of this name sums: the exchange or a product; None for an unknown name."""
    try:
        found = sum_label(name)
    except UnknownSumError:
        return None
    if found is None:
        return None
    is_all = (found.extent is Extent.WHOLE and not found.kind) or not product
    return "exchange_total" if is_all else "product_total"


def _is_like_a_sum(label: str) -> bool:
    try:
        return sum_label(label) is not None
    except UnknownSumError:
        return True


def _is_placeholder(request: Request, rows: list[Mapping[str, Any]]) -> bool:
    """Tell whether an answer is the placeholder of a day without data, which need not have all columns.

    It is one undated sum row. Quotes print it with zeros, receipts with nulls only: a zero there is a real one.
    """
    row, is_quotes = rows[0], request.feed == "day_quotes"
    figures, zeros = (("volumn", "openInterest", "turnover"), ("0", "0.0")) if is_quotes else (tuple(_RECEIPTS.values()), ())
    empty = all(text_of(row.get(key)) in (*values.BLANKS, *zeros) for key in figures)
    return len(rows) == 1 and is_whole(text_of(row.get("variety"))) and not text_of(row.get("genDate")) and empty


def _parameter(answer: Mapping[str, Any], name: str) -> Any:
    """Give a form field as the answer repeats it: a list of one, or the value itself."""
    parameters = answer.get("param")
    value = parameters.get(name) if isinstance(parameters, dict) else None
    return value[0] if isinstance(value, list) and value else None if isinstance(value, list) else value


def _stated_day(request: Request, answer: Mapping[str, Any]) -> date | None:
    text = text_of(_parameter(answer, _FEEDS[request.feed][1]))
    try:
        return values.day(text) if text else None
    except ValueError as error:
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_date", f"{request.name} states no day: {error}") from None
