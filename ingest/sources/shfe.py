"""Shanghai Futures Exchange: daily quotes (`kx`), warehouse receipts (`dailystock`, JSON then HTML) and member ranking (`pm`).

One file holds all products. Field meanings and eras: docs of the exchange's file formats, read off real payloads of 2016,
2025 and 2026. What is decided here: which rows are contracts, what a board row is, when a file is final.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
from lxml import etree
from lxml import html as lxml_html

from ingest import values
from ingest.inspect import inspect
from ingest.source import Outcome, Parsed, PayloadError, Reject, Request, Response, Verdict
from quality.raw import TABLES

BASE = "https://www.shfe.com.cn/data/tradedata/future"
# The JSON receipts answer 404 from 2025-11-18 on; the HTML page exists from 2025-11-13. In between the exchange served both.
HTML_FROM = date(2025, 11, 13)
# Turnover is printed per contract since this day; older files have no such column.
TURNOVER_FROM = date(2021, 7, 28)

_FILES = (
    ("kx", re.compile(r"(?:^|/)kx(\d{8})(?:_\w+)?\.(?:dat|json)$")),
    ("pm", re.compile(r"(?:^|/)pm(\d{8})(?:_\w+)?\.(?:dat|json)$")),
    ("dailystock", re.compile(r"(?:^|/)(\d{8})dailystock\.dat$")),
    ("dailystock_html", re.compile(r"(?:^|/)dailystock_(\d{8})(?:/\w+)*/?(?:_\w+)?\.html$|(?:^|/)dailystock_(\d{8})(?:_\w+)?\.html$")),
)

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

_RECEIPTS_REQUIRED = {"VARNAME", "REGNAME", "WHABBRNAME", "WGHTUNIT", "WRTWGHTS", "WRTCHANGE", "ROWSTATUS"}
_RECEIPTS_KNOWN = _RECEIPTS_REQUIRED | {"VARID", "WHTYPE", "WHROWS", "VARSORT", "REGSORT", "ROWORDER"}
_UNITS = {"1": "kg", "2": "t", "3": "bbl"}
_LEVELS = {"0": "detail", "1": "region_total", "2": "product_total"}
_TYPES = {"1": "warehouse", "2": "factory"}
_HTML_UNITS = {"吨": "t", "千克": "kg", "公斤": "kg", "桶": "bbl"}

_BOARDS = {"volume": "1", "long": "2", "short": "3"}
_RANKING_REQUIRED = {
    "INSTRUMENTID",
    "RANK",
    *(f"{name}{n}{tail}" for n in "123" for name, tail in (("CJ", ""), ("CJ", "_CHG"), ("PARTICIPANTABBR", ""))),
}
_RANKING_KNOWN = _RANKING_REQUIRED | {"PRODUCTNAME", "PRODUCTSORTNO", *(f"PARTICIPANTID{n}" for n in "123")}
_ROW_KINDS = {-1: "futures_companies", 0: "non_futures_companies", 999: "top20_sum", **dict.fromkeys(range(1, 21), "member")}


class Shfe:
    """The exchange's daily files, live or from disk."""

    name = "shfe"
    parser_version = "1"
    tables = ("shfe__daily_quotes", "shfe__daily_totals", "shfe__warehouse_receipts", "shfe__member_ranking")

    def requests(self, day: date) -> Iterable[Request]:
        """Give the three files of one day, each at the address of its era."""
        stamp = f"{day:%Y%m%d}"
        addresses = [("kx", f"kx{stamp}.dat", f"{BASE}/dailydata/kx{stamp}.dat"), ("pm", f"pm{stamp}.dat", f"{BASE}/dailydata/pm{stamp}.dat")]
        if day < HTML_FROM:
            addresses.append(("dailystock", f"{stamp}dailystock.dat", f"{BASE}/dailydata/{stamp}dailystock.dat"))
        else:
            addresses.append(("dailystock_html", f"dailystock_{stamp}.html", f"{BASE}/stockdata/dailystock_{stamp}/ZH/all.html"))
        return [Request(self.name, feed, stamp, name, day, url) for feed, name, url in addresses]

    def recognise(self, path: str) -> Request | None:
        """Know a file by the exchange's own names, whatever folder it lies in."""
        for feed, pattern in _FILES:
            if match := pattern.search(path):
                stamp = next(group for group in match.groups() if group)
                try:
                    day = values.day(stamp)
                except ValueError:
                    return None
                return Request(self.name, feed, stamp, path.rsplit("/", 1)[-1], day)
        return None

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Expect HTML of the later receipts page and JSON of everything else."""
        return inspect(response, "html" if request.feed == "dailystock_html" else "json")

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Read one file; its inner date must be the day asked for."""
        if request.day is None:
            raise ValueError(f"{request.name}: a file of the exchange is asked for by day")
        if request.feed == "dailystock_html":
            return _receipts_html(request, request.day, body)
        envelope, remarks = _json(body)
        inner = str(envelope.get("report_date", "")).strip()
        if inner != f"{request.day:%Y%m%d}":
            raise PayloadError(Outcome.NOT_DATA, "wrong_date", f"{request.name} is about {inner or 'no day'}, not {request.day:%Y%m%d}")
        parse = {"kx": _quotes, "dailystock": _receipts_json, "pm": _ranking}[request.feed]
        return parse(request, request.day, envelope, remarks)


def _quotes(request: Request, day: date, envelope: Mapping[str, Any], remarks: list[str]) -> Parsed:
    rows = _rows(request, envelope, "o_curinstrument")
    keys = set().union(*rows)
    required = {"PRODUCTID", "DELIVERYMONTH", "SETTLEMENTPRICE"}
    if "o_code" in envelope:  # the exchange's own answer is complete; an extract somebody made of it may hold fewer columns
        required |= _QUOTES_KNOWN - {"PRODUCTCLASS", "PRODUCTNAME"} - ({"TURNOVER"} if day < TURNOVER_FROM else set())
    else:
        remarks.append(f"extract: without {', '.join(sorted(_QUOTES_KNOWN - keys))}")
    _require(request, keys, required, remarks, _QUOTES_KNOWN | _QUOTES_UNUSED)
    quotes: list[dict[str, Any]] = []
    totals: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for row in rows:
        product, month = _text(row["PRODUCTID"]), _text(row["DELIVERYMONTH"])
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
                    "product_name": _text(row.get("PRODUCTNAME")) or None,
                    "product_class": _text(row.get("PRODUCTCLASS")) or None,
                    "delivery_month_code": month,
                    **figures,
                    "extra": _extra(row, _QUOTES_KNOWN | _QUOTES_UNUSED),
                }
            )
        else:
            totals.append({"trade_date": day, "total_scope": scope, "product_id": product_id, **figures})
    # A settlement printed as 0 is a hole in a final file; one left blank while the contract traded means the file is intraday.
    traded = [
        row
        for row in rows
        if _text(row["PRODUCTID"]).endswith("_f") and re.fullmatch(r"\d{4}", _text(row["DELIVERYMONTH"])) and _positive(row.get("VOLUME"))
    ]
    blank = [row for row in traded if _text(row["SETTLEMENTPRICE"]) in values.BLANKS]
    if blank:
        raise PayloadError(
            Outcome.NOT_PUBLISHED,
            "unsettled",
            f"{request.name} is not final: {len(blank)} of {len(traded)} traded contracts have no settlement price yet",
        )
    if not quotes:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", f"{request.name} holds no contract")
    return Parsed(
        {"shfe__daily_quotes": _frame("shfe__daily_quotes", quotes), "shfe__daily_totals": _frame("shfe__daily_totals", totals)},
        tuple(rejects),
        _stated(envelope),
        tuple(remarks),
    )


def _receipts_json(request: Request, day: date, envelope: Mapping[str, Any], remarks: list[str]) -> Parsed:
    rows = _rows(request, envelope, "o_cursor")
    _require(request, set().union(*rows), _RECEIPTS_REQUIRED, remarks, _RECEIPTS_KNOWN)
    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for row in rows:
        name = _chinese(row["VARNAME"])
        kind = _TYPES.get(_text(row.get("WHTYPE"))) or ("factory" if name.endswith("厂库") else "warehouse")
        product = _text(row.get("VARID")).lower() or product_of(name)
        level, unit = _LEVELS.get(_text(row["ROWSTATUS"])), _UNITS.get(_text(row["WGHTUNIT"]))
        if product is None or level is None or unit is None:
            rejects.append(_unknown(name, product, level, unit, row))
            continue
        try:
            kept.append(
                {
                    "trade_date": day,
                    "product_id": product,
                    "product_name": name,
                    "warehouse_type": kind,
                    "region": _chinese(row["REGNAME"]),
                    "warehouse": _chinese(row["WHABBRNAME"]),
                    "row_level": level,
                    "receipts_qty": values.number(row["WRTWGHTS"]),
                    "receipts_change_qty": values.number(row["WRTCHANGE"]),
                    "quantity_unit": unit,
                    "payload_form": "json",
                    "extra": _extra(row, _RECEIPTS_KNOWN),
                }
            )
        except ValueError as error:
            rejects.append(Reject("shfe__warehouse_receipts", "not_a_number", str(error), row))
    return Parsed({"shfe__warehouse_receipts": _frame("shfe__warehouse_receipts", kept)}, tuple(rejects), _stated(envelope), tuple(remarks))


def _receipts_html(request: Request, day: date, body: bytes) -> Parsed:
    try:
        page = lxml_html.fromstring(body.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, etree.LxmlError) as error:
        raise PayloadError(Outcome.NOT_DATA, "undecodable", f"{request.name} is not a readable HTML page: {error}") from None
    intro = " ".join(node.text_content() for node in _tables(page, "content_intro"))
    inner = re.search(r"(\d{4})-(\d{2})-(\d{2})", intro)
    if inner is None:
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_date", f"{request.name} states no date above its tables")
    if "".join(inner.groups()) != f"{day:%Y%m%d}":
        raise PayloadError(Outcome.NOT_DATA, "wrong_date", f"{request.name} is about {inner.group()}, not {day}")
    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for table in _tables(page, "el-table_table"):
        _receipts_table(request, day, table, kept, rejects)
    if not kept:
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_rows", f"{request.name} holds no row of any product")
    return Parsed({"shfe__warehouse_receipts": _frame("shfe__warehouse_receipts", kept)}, tuple(rejects))


def _tables(page: Any, name: str) -> Any:
    return page.xpath("//table[contains(concat(' ', normalize-space(@class), ' '), $name)]", name=f" {name} ")


def _receipts_table(request: Request, day: date, table: Any, kept: list[dict[str, Any]], rejects: list[Reject]) -> None:
    columns: list[str] = []
    name = unit = product = None
    open_spans: dict[int, tuple[int, str]] = {}
    for line in table.iter("tr"):
        if heads := line.findall("th"):
            columns = [_heading(request, head.text_content()) for head in heads]
            continue
        cells = [(cell, cell.text_content().strip()) for cell in line.findall("td")]
        if "special_row_type" in (line.get("class") or ""):
            name, open_spans = cells[0][1], {}
            product = product_of(name)
            unit = _HTML_UNITS.get(re.sub(r"^单位[:：]\s*", "", cells[-1][1]))
            continue
        if not cells or not columns:
            continue
        spread: list[str | None] = [None] * len(columns)
        place = 0
        for cell, text in cells:
            while place in open_spans and place < len(columns):
                place = _take_span(open_spans, place, spread)
            width, height = int(cell.get("colspan") or 1), int(cell.get("rowspan") or 1)
            last = place + width - 1
            if last >= len(columns):
                break
            spread[last] = text  # a wide cell's text belongs to the last column it covers
            if height > 1:
                open_spans[last] = (height - 1, text)
            place = last + 1
        while place in open_spans and place < len(columns):
            place = _take_span(open_spans, place, spread)
        row = {column: text or "" for column, text in zip(columns, spread, strict=True)}
        # A sum's label stands where its span ends: in the warehouse column, or in the region's when that one comes last.
        label = next((row[column] for column in ("warehouse", "region") if row[column].endswith(("总计", "合计"))), None)
        level = "detail" if label is None else "product_total" if label.endswith("总计") else "region_total"
        if product is None or unit is None:
            rejects.append(_unknown(name or "", product, level, unit, row))
            continue
        try:
            kept.append(
                {
                    "trade_date": day,
                    "product_id": product,
                    "product_name": name,
                    "warehouse_type": "factory" if "厂库" in (name or "") else "warehouse",
                    "region": "" if level == "product_total" or row["region"] == label else row["region"],
                    "warehouse": label or row["warehouse"],
                    "row_level": level,
                    "receipts_qty": values.number(row["receipts_qty"]),
                    "receipts_change_qty": values.number(row["receipts_change_qty"]),
                    "quantity_unit": unit,
                    "payload_form": "html",
                    "extra": None,
                }
            )
        except ValueError as error:
            rejects.append(Reject("shfe__warehouse_receipts", "not_a_number", str(error), row))


def _take_span(open_spans: dict[int, tuple[int, str]], place: int, spread: list[str | None]) -> int:
    left, text = open_spans[place]
    spread[place] = text
    if left == 1:
        del open_spans[place]
    else:
        open_spans[place] = (left - 1, text)
    return place + 1


def _heading(request: Request, text: str) -> str:
    known = {
        "地区": "region",
        "仓库": "warehouse",
        "厂库": "warehouse",
        "交割仓库": "warehouse",
        "期货": "receipts_qty",
        "本日数量": "receipts_qty",
        "增减": "receipts_change_qty",
    }
    try:
        return known[text.strip()]
    except KeyError:
        raise PayloadError(Outcome.FORMAT_CHANGED, "unknown_column", f"{request.name} has a column {text.strip()!r} that is not known") from None


def _ranking(request: Request, day: date, envelope: Mapping[str, Any], remarks: list[str]) -> Parsed:
    rows = _rows(request, envelope, "o_cursor")
    _require(request, set().union(*rows), _RANKING_REQUIRED, remarks, _RANKING_KNOWN)
    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for row in rows:
        instrument = _text(row["INSTRUMENTID"])
        match = re.fullmatch(r"([A-Za-z]+)(?:(\d{4})|all|actv)", instrument)
        try:
            rank = values.whole(row["RANK"])
            if match is None or rank not in _ROW_KINDS:
                raise ValueError(f"rank {row['RANK']!r} of {instrument!r} is not a row of a ranking")
            for board, n in _BOARDS.items():
                lots = values.whole(row[f"CJ{n}"])
                if lots is None:
                    continue  # a board with fewer than 20 names ends in blanks
                kind = _ROW_KINDS[rank]
                kept.append(
                    {
                        "trade_date": day,
                        "instrument": instrument,
                        "product_id": match.group(1).lower(),
                        "delivery_month_code": match.group(2),
                        "board": board,
                        "row_kind": kind,
                        "rank": rank if kind == "member" else None,
                        "participant_id": (_text(row.get(f"PARTICIPANTID{n}")) or None) if kind == "member" else None,
                        "participant": _text(row[f"PARTICIPANTABBR{n}"]) or None,
                        "position_lots": lots,
                        "position_change_lots": values.whole(row[f"CJ{n}_CHG"]),
                        "extra": _extra(row, _RANKING_KNOWN),
                    }
                )
        except ValueError as error:
            rejects.append(Reject("shfe__member_ranking", "not_a_ranking_row", str(error), row))
    return Parsed({"shfe__member_ranking": _frame("shfe__member_ranking", kept)}, tuple(rejects), _stated(envelope), tuple(remarks))


@lru_cache
def _product_names() -> dict[str, str]:
    """Chinese product name -> code, from the catalogue."""
    document = tomllib.loads((Path(__file__).parent.parent / "catalog" / "exchanges.toml").read_text(encoding="utf-8"))["shfe"]
    names: dict[str, str] = {name: code for code, name in document["products"].items()} | document["aliases"]
    return names


def product_of(name: str) -> str | None:
    """Find a product by the Chinese name of its receipts table, less 仓库/厂库; whole names only, since 氧化铝 contains 铝."""
    return _product_names().get(re.sub(r"[(（]?(?:仓库|厂库)[)）]?$", "", name).strip())


def _json(body: bytes) -> tuple[Mapping[str, Any], list[str]]:
    remarks: list[str] = []
    try:
        text = body.decode("utf-8-sig")
        try:
            document = json.loads(text)
        except json.JSONDecodeError:
            document = json.loads(text, strict=False)  # raw control characters stand inside strings of real files
            remarks.append("control_char")
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise PayloadError(Outcome.NOT_DATA, "unparsable", f"the payload is cut short or is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_envelope", "the payload is JSON, but not the exchange's envelope")
    return document, remarks


def _rows(request: Request, envelope: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    rows = envelope.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_rows_key", f"{request.name} has no list {key!r}")
    if not rows:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", f"{request.name} holds no row")
    return rows


def _require(request: Request, keys: set[str], required: set[str], remarks: list[str], known: set[str]) -> None:
    if missing := sorted(required - keys):
        raise PayloadError(Outcome.FORMAT_CHANGED, "missing_column", f"{request.name} has no column {', '.join(missing)}")
    remarks.extend(f"unknown_column:{key}" for key in sorted(keys - known))


def _unknown(name: str, product: str | None, level: str | None, unit: str | None, row: Mapping[str, Any]) -> Reject:
    what = "product" if product is None else "row status" if level is None else "unit"
    return Reject("shfe__warehouse_receipts", f"unknown_{what.replace(' ', '_')}", f"the {what} of a row of {name!r} is not known (unit {unit})", row)


def _stated(envelope: Mapping[str, Any]) -> datetime | None:
    try:
        return values.moment(envelope.get("update_date"))
    except ValueError:
        return None  # the clock decides; the archive keeps the text


def _frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    columns = TABLES[table].schema
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in columns}, schema=columns)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _chinese(value: Any) -> str:
    return re.sub(r"[\x00-\x1f]+", "", _text(value).split("$$")[0]).strip()


def _extra(row: Mapping[str, Any], known: set[str]) -> str | None:
    unknown = {key: value for key, value in row.items() if key not in known}
    return json.dumps(unknown, ensure_ascii=False, sort_keys=True) if unknown else None


def _positive(value: Any) -> bool:
    try:
        return (values.number(value) or 0) > 0
    except ValueError:
        return False
