"""Warehouse receipts (`dailystock`), JSON until 2025-11-17 and HTML from 2025-11-13: one shape of rows from both."""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from ingest import values
from ingest.answer import extra_of, frame_of, lacking, require, rows_of, stated_time, text_of
from ingest.catalog.documents import load
from ingest.catalog.schemas import ExchangesFile
from ingest.source import Outcome, Parsed, PayloadError, Reject, Request
from ingest.table import repeats

_RECEIPTS_REQUIRED = {"VARNAME", "REGNAME", "WHABBRNAME", "WGHTUNIT", "WRTWGHTS", "WRTCHANGE", "ROWSTATUS"}
_RECEIPTS_KNOWN = _RECEIPTS_REQUIRED | {"VARID", "WHTYPE", "WHROWS", "VARSORT", "REGSORT", "ROWORDER"}
_UNITS = {"1": "kg", "2": "t", "3": "bbl"}
_LEVELS = {"0": "detail", "1": "region_total", "2": "product_total"}
_TYPES = {"1": "warehouse", "2": "factory"}
_HTML_UNITS = {"吨": "t", "千克": "kg", "公斤": "kg", "桶": "bbl"}


def parse_receipts_json(request: Request, day: date, envelope: Mapping[str, Any], remarks: list[str]) -> Parsed:
    """Read the JSON form: one row per warehouse, printed sums kept as such."""
    rows = rows_of(request, envelope, "o_cursor")
    require(request, set().union(*rows), _RECEIPTS_REQUIRED, remarks, _RECEIPTS_KNOWN)
    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for row in rows:
        if gap := lacking("shfe__warehouse_receipts", row, _RECEIPTS_REQUIRED):
            rejects.append(gap)
            continue
        name = _chinese(row["VARNAME"])
        kind = _TYPES.get(text_of(row.get("WHTYPE"))) or ("factory" if name.endswith("厂库") else "warehouse")
        product = text_of(row.get("VARID")).lower() or product_of(name)
        level, unit = _LEVELS.get(text_of(row["ROWSTATUS"])), _UNITS.get(text_of(row["WGHTUNIT"]))
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
                    "extra": extra_of(row, _RECEIPTS_KNOWN),
                }
            )
        except ValueError as error:
            rejects.append(Reject("shfe__warehouse_receipts", "not_a_number", str(error), row))
    return Parsed({"shfe__warehouse_receipts": frame_of("shfe__warehouse_receipts", kept)}, tuple(rejects), stated_time(envelope), tuple(remarks))


def parse_receipts_html(request: Request, day: date, body: bytes) -> Parsed:
    """Read the HTML form: one table per product, its date above the tables."""
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
    return Parsed({"shfe__warehouse_receipts": frame_of("shfe__warehouse_receipts", kept)}, tuple(rejects))


def _tables(page: Any, name: str) -> Any:
    return page.xpath("//table[contains(concat(' ', normalize-space(@class), ' '), $name)]", name=f" {name} ")


def _receipts_table(request: Request, day: date, table: Any, kept: list[dict[str, Any]], rejects: list[Reject]) -> None:
    columns: list[str] = []
    name = unit = product = None
    open_spans: dict[int, tuple[int, str]] = {}
    for line in table.iter("tr"):
        if heads := line.findall("th"):
            columns = [_heading(request, head.text_content()) for head in heads]
            if twice := repeats(columns):
                raise PayloadError(Outcome.FORMAT_CHANGED, "repeated_header", f"{request.name} has a table with {', '.join(twice)} twice")
            if missing := {"region", "warehouse", "receipts_qty", "receipts_change_qty"} - set(columns):
                raise PayloadError(Outcome.FORMAT_CHANGED, "missing_column", f"{request.name} has a table without {', '.join(sorted(missing))}")
            continue
        cells = [(cell, cell.text_content().strip()) for cell in line.findall("td")]
        if "special_row_type" in (line.get("class") or ""):
            name, open_spans = cells[0][1] if cells else "", {}
            product = product_of(name)
            unit = _HTML_UNITS.get(re.sub(r"^单位[:：]\s*", "", cells[-1][1])) if cells else None
            continue
        if not cells or not columns:
            continue
        spread: list[str | None] = [None] * len(columns)
        place = 0
        for cell, text in cells:
            while place in open_spans and place < len(columns):
                place = _take_span(open_spans, place, spread)
            width, height = _span(cell.get("colspan")), _span(cell.get("rowspan"))
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


def _span(text: str | None) -> int:
    """Read a span as a browser does: what is not a number of cells counts as one."""
    return int(text) if text and re.fullmatch(r"[1-9]\d{0,3}", text) else 1


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


@lru_cache
def _product_names() -> dict[str, str]:
    """Chinese product name -> code, from the shipped catalogue."""
    shfe = load(ExchangesFile).shfe
    return {name: code for code, name in shfe.products.items()} | shfe.aliases


def product_of(name: str) -> str | None:
    """Find a product by the Chinese name of its receipts table, less 仓库/厂库; whole names only, since 氧化铝 contains 铝."""
    return _product_names().get(re.sub(r"[(（]?(?:仓库|厂库)[)）]?$", "", name).strip())


def _unknown(name: str, product: str | None, level: str | None, unit: str | None, row: Mapping[str, Any]) -> Reject:
    what = "product" if product is None else "row status" if level is None else "unit"
    return Reject("shfe__warehouse_receipts", f"unknown_{what.replace(' ', '_')}", f"the {what} of a row of {name!r} is not known (unit {unit})", row)


def _chinese(value: Any) -> str:
    return re.sub(r"[\x00-\x1f]+", "", text_of(value).split("$$")[0]).strip()
