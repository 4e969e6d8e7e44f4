"""Foreign trade of China by month, HS code and partner: exports of the customs portal (GACC) and UN Comtrade.

The portal (stats.customs.gov.cn) guards itself with a slider and forbids automation: a person exports and drops the file,
nothing is asked of it. Its file does not say import or export, so the name must. UN Comtrade is asked live, month by month;
China reports there 12 to 18 months late, by heading (2818), which is wider than the item (28182000) and whose weights may be
estimated: the scope is part of the key, and the two schemes of partner codes (GACC's and M49) are never joined by code.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from ingest import values
from ingest.answer import frame_of, read_json, require, rows_of, text_of
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.inspect import inspect
from ingest.labels import UnknownSumError, sum_label
from ingest.source import Cadence, Outcome, Parsed, PayloadError, Reject, Request, Response, Verdict
from ingest.sums import added
from ingest.table import RowError, csv_table, part_of, rejected

TABLE = "customs__monthly_trade"
PREVIEW = "https://comtradeapi.un.org/public/v1/preview/C/M/HS"
CHINA, WORLD = "156", "0"
# Months back that are asked for, one lag each weekday: a month is tried over half a year, with a handful of requests a day.
LAGS = (12, 13, 15, 17, 18)
BY_HAND = "the customs portal forbids automation, so a person exports it again and drops the file"

_GACC = re.compile(r"(?:^|/)gacc_(?P<flow>import|export)_(?P<first>\d{6})(?:[-_](?P<last>\d{6}))?(?:_[A-Za-z]\w*)?\.csv\Z")
_COMTRADE = re.compile(
    r"(?:^|/)(?P<key>(?P<reporter>\d{1,3})_(?P<partner>\d{1,3})_(?P<code>\d{4}|\d{6})_(?P<flow>[MX])_(?P<month>\d{6}))(?:_\w+)?\.json$"
)
_FLOWS = {"M": "import", "X": "export"}
_SCOPES = {4: "heading", 6: "subheading", 8: "item"}
_TONNES = {"千克": 1e3, "公斤": 1e3, "吨": 1.0}  # printed unit -> units in a tonne
_CURRENCIES = {"美元": "USD", "人民币": "CNY"}
_GACC_COLUMNS = {
    "数据年月", "商品编码", "商品名称", "贸易伙伴编码", "贸易伙伴名称", "第一数量", "第一计量单位", "第二数量", "第二计量单位",
}  # fmt: skip
_COMTRADE_REQUIRED = {
    "period", "reporterCode", "partnerCode", "flowCode", "cmdCode", "netWgt", "primaryValue", "isNetWgtEstimated", "isQtyEstimated",
}  # fmt: skip
_LABELS = ("贸易伙伴名称", "贸易伙伴编码", "商品名称", "数据年月")
_SPLIT_BY = ("month", "flow", "hs_code", "partner_code", "partner_name", "currency", "second_unit")
_ADDED = ("qty_t", "value_usd", "value_cny", "second_qty")
SUM_TOLERANCE = 0.0015  # tonnes and money, added up from figures printed to the kilogram and the unit
# A row with a second partner, customs procedure or mode of transport is a part of the row without one.
_WHOLE = {"partner2Code": "0", "customsCode": "C00", "mosCode": "0", "motCode": "0"}
_KILOGRAMS = 8  # Comtrade's qtyUnitCode


class Customs:
    """Portal exports from the inbox, UN Comtrade live or from disk."""

    name = "customs"
    parser_version = "2"
    tables = (TABLE,)
    cadence = Cadence.ANY_DAY

    def __init__(self, configuration: Configuration = SHIPPED_ONLY) -> None:
        self.configuration = configuration

    def requests(self, day: date) -> Iterable[Request]:
        """Give the Comtrade queries of one day: the headings of the catalogue, both flows, one month of those China may have reported."""
        if day.weekday() >= len(LAGS):
            return []
        place = day.year * 12 + day.month - 1 - LAGS[day.weekday()]
        month = f"{place // 12}{place % 12 + 1:02d}"
        return [self._query(code, flow, month) for code in self.configuration.hs_codes if len(code) <= 6 for flow in _FLOWS]

    def _query(self, code: str, flow: str, month: str) -> Request:
        key = f"{CHINA}_{WORLD}_{code}_{flow}_{month}"
        address = f"{PREVIEW}?reporterCode={CHINA}&partnerCode={WORLD}&cmdCode={code}&flowCode={flow}&period={month}"
        return Request(self.name, "comtrade", key, f"{key}.json", _month(month), address, dataset=f"{TABLE}/m49")

    def recognise(self, path: str) -> Request | None:
        """Know `gacc_import_202505.csv` (or a span, `gacc_import_202501-202505.csv`) and `156_0_2818_M_202411.json`."""
        name = path.rsplit("/", 1)[-1]
        try:
            if match := _GACC.search(path):
                _span(match)
                return Request(self.name, "gacc", name, name)
            if match := _COMTRADE.search(path):
                _month(match["month"])
                return Request(self.name, "comtrade", match["key"], name)
        except ValueError:
            return None  # there is no such month
        return None

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Expect text of the portal and JSON of Comtrade."""
        if request.feed == "comtrade":
            return inspect(response, "json")
        verdict = inspect(response, "text")
        return verdict if verdict.outcome is Outcome.OK else Verdict(verdict.outcome, verdict.reason, f"{verdict.message}; {BY_HAND}")

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Read one file; its rows must be about the months and the query its name states."""
        match = (_GACC if request.feed == "gacc" else _COMTRADE).search(request.name)
        if match is None:
            raise ValueError(f"{request.name} is not a customs file")
        return _portal(request, match, body) if request.feed == "gacc" else _comtrade(request, match, body)


def _portal(request: Request, match: re.Match[str], body: bytes) -> Parsed:
    header, rows = csv_table(body, {*_GACC_COLUMNS, *_CURRENCIES})
    if missing := sorted(_GACC_COLUMNS - set(header)):
        raise PayloadError(Outcome.FORMAT_CHANGED, "missing_column", f"{request.name} has no column {', '.join(missing)}; {BY_HAND}")
    money = [name for name in header if name in _CURRENCIES]
    if len(money) != 1:
        raise PayloadError(
            Outcome.FORMAT_CHANGED, "no_currency", f"{request.name} must hold one value column, 美元 or 人民币, and has {len(money)}; {BY_HAND}"
        )
    if unknown := sorted(set(header) - _GACC_COLUMNS - set(money)):
        # A further column (customs regime, place of registration) splits each partner, and each part looks like the whole.
        raise PayloadError(Outcome.FORMAT_CHANGED, "unknown_column", f"{request.name} is split by {', '.join(unknown)}; export it without; {BY_HAND}")
    first, last = _span(match)
    kept: list[dict[str, Any]] = []
    sums: list[tuple[Mapping[str, Any], dict[str, Any], int]] = []
    rejects: list[Reject] = []
    for line, row in rows:
        part = part_of(row, flow=match["flow"])
        try:
            is_sum = _is_sum(request, line, row)
            month = _month(row["数据年月"])
            # The whole this row is a part of: if the row is refused, the total of that month and code is unknown.
            part = part_of(row, flow=match["flow"], month=f"{month}", hs_code=values.plain(row["商品编码"]))
            if not first <= month <= last:
                raise RowError("wrong_month", f"the row is about {month:%Y-%m}, the name of the file says {match['first']}")
            read = _portal_row(row, month, match["flow"], money[0], is_sum=is_sum)
            if is_sum:
                sums.append((part, read, line))
            else:
                kept.append(read)
        except ValueError as error:
            rejects.append(rejected(TABLE, error, f"line {line}", part))
    kept, remarks = _added_up(kept)
    parts = _by_code(kept)
    rejects += [reject for part, printed, line in sums if (reject := _disagreement(part, printed, line, *parts.get(_code_of(printed), _NO_PARTS)))]
    if not kept and all(reject.reason == "wrong_month" for reject in rejects):
        raise PayloadError(Outcome.NOT_DATA, "wrong_month", f"{request.name} holds no row of its month, {rejects[0].message}; {BY_HAND}")
    if sums:
        remarks.append(f"sums: {len(sums)} sum rows are held against their parts and left out")
    return Parsed({TABLE: frame_of(TABLE, kept)}, tuple(rejects), remarks=tuple(remarks))


def _is_sum(request: Request, line: int, row: Mapping[str, str]) -> bool:
    """Tell whether a row is a sum that somebody added to the export; the portal prints none."""
    try:
        return any(sum_label(row[name]) for name in _LABELS)
    except UnknownSumError as error:
        raise PayloadError(
            Outcome.FORMAT_CHANGED,
            "unknown_sum",
            f"{request.name}, line {line}: {error}; a sum must not be counted as a partner: leave the line out and drop the file again",
        ) from None


def _added_up(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """Add up the rows of one partner, month and code: the portal splits a partner by what was asked for and not shown.

    Two lines of one quantity are no parts but two versions of one figure, and a negative figure is none: they stay as they are, to be refused.
    """
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in {tuple(row.items()): row for row in rows}.values():  # a repeated line counts once
        groups.setdefault(tuple(row[name] for name in _SPLIT_BY), []).append(row)
    kept: list[dict[str, Any]] = []
    remarks: list[str] = []
    for group in groups.values():
        quantities = {row["qty_t"] for row in group}
        if len(group) > 1 and len(quantities) == len(group) and all((row[name] or 0.0) >= 0.0 for row in group for name in _ADDED):
            kept.append(group[0] | {name: _total(row[name] for row in group) for name in _ADDED})
            remarks.append(f"added_up: {len(group)} lines of {group[0]['partner_name']} in {group[0]['month']:%Y-%m}")
        else:
            kept += group
    return kept, remarks


def _total(figures: Iterable[float | None]) -> float | None:
    """Add up; the sum is unknown when one of its parts is."""
    known = list(figures)
    return None if None in known else added(figure for figure in known if figure is not None)


_Totals = Mapping[str, float | None]
_NO_PARTS: tuple[int, _Totals] = (0, dict.fromkeys(_ADDED[:3], 0.0))


def _code_of(row: Mapping[str, Any]) -> tuple[date, str]:
    return row["month"], row["hs_code"]


def _by_code(rows: Iterable[dict[str, Any]]) -> dict[tuple[date, str], tuple[int, _Totals]]:
    """Count and add up the rows of each month and code."""
    of: dict[tuple[date, str], list[dict[str, Any]]] = {}
    for row in rows:
        of.setdefault(_code_of(row), []).append(row)
    return {code: (len(group), {name: _total(row[name] for row in group) for name in _ADDED[:3]}) for code, group in of.items()}


def _disagreement(part: Mapping[str, Any], printed: Mapping[str, Any], line: int, count: int, totals: _Totals) -> Reject | None:
    """Compare a printed sum with the sum of its rows."""
    for column, found in totals.items():
        if printed[column] is not None and found is not None and abs(printed[column] - found) > SUM_TOLERANCE:
            message = f"line {line}: the sum {printed[column]:,.3f} is not that of its {count} partners, {found:,.3f}"
            return Reject(TABLE, "sum_broken", message, part)
    return None


def _portal_row(row: Mapping[str, str], month: date, flow: str, money: str, *, is_sum: bool) -> dict[str, Any]:
    code = values.plain(row["商品编码"])
    if not is_sum and not (row["贸易伙伴编码"] and row["贸易伙伴名称"]):
        raise RowError("no_partner", "the row names no trading partner")
    unit = row["第一计量单位"]
    if unit not in _TONNES:
        raise RowError("unknown_unit", f"quantity in {unit!r} is not a weight that is known ({', '.join(_TONNES)})")
    quantity, amount, second = (values.number(row[name]) for name in ("第一数量", money, "第二数量"))
    second_unit = None if row["第二计量单位"] in values.BLANKS else row["第二计量单位"]
    if second and second_unit is None:
        raise RowError("unknown_unit", f"second quantity {row['第二数量']} has no unit")
    return _row(
        month=month,
        flow=flow,
        hs_code=code,
        commodity_name=row["商品名称"] or None,
        partner_scheme="gacc",
        partner_code=values.plain(row["贸易伙伴编码"]),
        partner_name=row["贸易伙伴名称"],  # exactly as printed: 几内亚, 几内亚比绍 and 巴布亚新几内亚 are three countries
        qty_t=None if quantity is None else quantity / _TONNES[unit],
        second_qty=None if second_unit is None else second,
        second_unit=second_unit,
        currency=_CURRENCIES[money],
        amount=amount,
    )


def _comtrade(request: Request, match: re.Match[str], body: bytes) -> Parsed:
    document, remarks = read_json(body)
    if complaint := document.get("error"):
        raise PayloadError(Outcome.NOT_DATA, "refused", f"UN Comtrade refused the query for {match['key']}: {complaint}")
    if document.get("data") == []:
        raise PayloadError(Outcome.NOT_PUBLISHED, "not_reported", f"UN Comtrade holds nothing for {match['key']}: the month is not reported yet")
    rows = rows_of(request, document, "data")
    for row in rows:
        require(request, set(row), _COMTRADE_REQUIRED, [], set())
    asked = {"period": "month", "reporterCode": "reporter", "partnerCode": "partner", "cmdCode": "code", "flowCode": "flow"}
    for row in rows:
        for column, group in asked.items():
            if str(row[column]) != match[group]:
                reason = "wrong_month" if column == "period" else "wrong_query"
                raise PayloadError(Outcome.NOT_DATA, reason, f"{request.name} holds a row of {column} {row[column]}, not {match[group]}")
    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    wholes = [
        (place, row)
        for place, row in enumerate(rows, start=1)
        if all(str(row[name]) == whole for name, whole in _WHOLE.items() if row.get(name) is not None)
    ]
    if parts := len(rows) - len(wholes):
        remarks.append(f"parts: {parts} rows by second partner, procedure or transport are parts of others and left out")
    for place, row in wholes:
        try:
            kept.append(_comtrade_row(row, match))
        except ValueError as error:
            rejects.append(rejected(TABLE, error, f"row {place}", row))
    return Parsed({TABLE: frame_of(TABLE, kept)}, tuple(rejects), None, tuple(remarks))


def _comtrade_row(row: Mapping[str, Any], match: re.Match[str]) -> dict[str, Any]:
    weight, amount = values.number(row["netWgt"]), values.number(row["primaryValue"])
    if not weight and row.get("qtyUnitCode") == _KILOGRAMS:
        weight = values.number(row.get("qty"))
    flags = [row["isQtyEstimated"], row["isNetWgtEstimated"]]
    if not all(flag is None or isinstance(flag, bool) for flag in flags):
        raise ValueError(f"{flags!r} are not flags of an estimate")
    return _row(
        month=_month(match["month"]),
        flow=_FLOWS[match["flow"]],
        hs_code=match["code"],
        commodity_name=text_of(row.get("cmdDesc")) or None,
        partner_scheme="m49",
        partner_code=match["partner"],
        partner_name=text_of(row.get("partnerDesc")) or None,
        qty_t=weight / _TONNES["千克"] if weight else None,  # UN Comtrade prints 0 where no weight was reported
        currency="USD",
        amount=amount,
        reporter=match["reporter"],
        is_qty_estimated=flags[0],
        is_net_weight_estimated=flags[1],
    )


def _row(*, hs_code: str, currency: str, amount: float | None, **columns: Any) -> dict[str, Any]:
    if not re.fullmatch(r"\d+", hs_code) or len(hs_code) not in _SCOPES:
        raise RowError("unknown_code", f"{hs_code!r} is not an HS code of 4, 6 or 8 digits")
    if columns["qty_t"] is None and amount is None:
        raise RowError("no_value", "the row has neither a quantity nor a value")
    own = {"reporter": CHINA, "hs_code": hs_code, "hs_scope": _SCOPES[len(hs_code)], "currency": currency}
    return own | columns | {"value_usd": amount if currency == "USD" else None, "value_cny": amount if currency == "CNY" else None}


def _span(match: re.Match[str]) -> tuple[date, date]:
    first = _month(match["first"])
    last = _month(match["last"]) if match["last"] else first
    if last < first:
        raise ValueError(f"{match['first']} to {match['last']} is no span of months")
    return first, last


def _month(text: str) -> date:
    month = values.plain(text)
    if re.fullmatch(r"\d{6}", month):
        with suppress(ValueError):
            return values.day(f"{month}01")
    raise ValueError(f"{text!r} is not a month YYYYMM")
