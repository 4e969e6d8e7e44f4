"""What the exchange's daily receipts and its weekly stock report have in common: places and their sums, product by product, as JSON or as a page.

Which figures a report has is said by its own module (`receipts`, `weekly`); here its tables are taken apart, and a place is told from a sum.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from ingest import values
from ingest.answer import extra_of, frame_of, lacking, require, rows_of, stated_time, text_of
from ingest.catalog.configuration import SHIPPED_ONLY
from ingest.labels import Extent, UnknownSumError, sum_label
from ingest.source import Outcome, Parsed, PayloadError, Reject, Request
from ingest.table import part_of, repeats

_PLACE = {"VARNAME", "REGNAME", "WHABBRNAME", "WGHTUNIT", "ROWSTATUS"}
_BESIDE = {"VARID", "WHTYPE", "WHROWS", "VARSORT", "REGSORT", "ROWORDER"}
_UNITS = {"1": "kg", "2": "t", "3": "bbl"}
_LEVELS = {"0": "detail", "1": "region_total", "2": "product_total"}
_TYPES = {"1": "warehouse", "2": "factory"}
PRINTED_UNITS = {"吨": "t", "千克": "kg", "公斤": "kg", "桶": "bbl"}
_PLACE_HEADINGS: dict[tuple[str, ...], str] = {("地区",): "region", ("仓库",): "warehouse", ("厂库",): "warehouse", ("交割仓库",): "warehouse"}


@dataclass(frozen=True)
class Form:
    """What one report prints of each place."""

    table: str
    """The raw table its rows go to."""
    keys: Mapping[str, str]
    """Column of a figure -> its name in the JSON form."""
    headings: Mapping[tuple[str, ...], str]
    """Header of a figure on the page, the lines of the header from above -> its column."""
    optional: frozenset[str] = frozenset()
    """Figures that some tables of the page do not have, all of them or none."""

    @property
    def figures(self) -> set[str]:
        """The columns of figures, of both forms."""
        return {*self.keys, *self.headings.values()}

    @property
    def required(self) -> set[str]:
        """The columns every row of the JSON form has."""
        return _PLACE | set(self.keys.values())


def parse_json(
    form: Form,
    request: Request,
    day: date,
    envelope: Mapping[str, Any],
    remarks: list[str],
    products: Mapping[str, str] | None = None,
    regions: frozenset[str] = SHIPPED_ONLY.regions,
) -> Parsed:
    """Read the JSON form: one row per place, printed sums kept as such.

    `regions` are the names of regions that are known: a table of factories has factory and region side by side, in either order.
    """
    rows = rows_of(request, envelope, "o_cursor")
    known = form.required | _BESIDE
    require(request, set().union(*rows), form.required, remarks, known)
    tables = _Tables(form, request, products)
    span = _Span()
    for row in rows:
        name = _chinese(row.get("VARNAME"))
        product = text_of(row.get("VARID")).lower() or product_of(name, tables.products)
        label, level = _chinese(row.get("WHABBRNAME")), _LEVELS.get(text_of(row.get("ROWSTATUS")))
        part = tables.part(name, product, level, row)
        if gap := lacking(form.table, part, form.required):
            tables.rejects.append(gap)
            continue
        unit = _UNITS.get(text_of(row["WGHTUNIT"]))
        if product is None or level is None or unit is None:
            tables.rejects.append(_unknown(form.table, name, product, level, unit, part))
            continue
        try:
            printed = sum_label(label)
        except UnknownSumError as error:
            printed = None
            if level == "detail":
                tables.doubt(product, name, str(error))
        if level == "detail" and printed is not None:
            tables.doubt(product, name, f"{label!r} is the label of a sum, but the row says that it is a warehouse")
        kind = _TYPES.get(text_of(row.get("WHTYPE"))) or ("factory" if name.endswith("厂库") else "warehouse")
        region, place = span.of(name, _chinese(row["REGNAME"]), level), label if printed is None else printed.text
        if level == "detail" and kind == "factory" and place in regions and region not in regions:
            region, place = place, region
        tables.keep(
            part,
            {
                "trade_date": day,
                "product_id": product,
                "product_name": name,
                "warehouse_type": kind,
                "region": region,
                "warehouse": place,
                "row_level": level,
                **{column: row[key] for column, key in form.keys.items()},
                "quantity_unit": unit,
                "payload_form": "json",
                "extra": extra_of(row, known),
            },
        )
    kept = tables.readable()
    return Parsed({form.table: frame_of(form.table, kept)}, tuple(tables.rejects), stated_time(envelope), tuple(remarks))


class _Span:
    """The region of a row that prints none: that of the rows above it in its table, up to the sum that closes them."""

    def __init__(self) -> None:
        self._open: tuple[str, str] | None = None

    def of(self, table: str, region: str, level: str) -> str:
        """Give the region of the next row."""
        if level == "product_total":
            return region
        found = region or (self._open[1] if self._open and self._open[0] == table else "")
        self._open = (table, found) if level == "detail" else None
        return found


class _Tables:
    """The rows of a payload as they are read, product by product: kept, put aside, or in doubt with the table they stand in."""

    def __init__(self, form: Form, request: Request, products: Mapping[str, str] | None) -> None:
        self.form = form
        self._request = request
        self.products = SHIPPED_ONLY.shfe_products if products is None else products
        self._kept: list[tuple[Mapping[str, Any], dict[str, Any]]] = []
        self._doubts: dict[str, str] = {}
        self.rejects: list[Reject] = []

    def part(self, name: str, product: str | None, level: str | None, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Say beside a printed row which whole it is a part of: without it the total of that product is not known.

        A name that begins with a known one may be the same product under a new name; any other is no part of what is known.
        """
        near = max((known for known in self.products if name.startswith(known)), key=len, default=None)
        return part_of(row, product_id=product or (self.products[near] if near else ""), row_level=level or "detail")

    def doubt(self, product: str, name: str, why: str) -> None:
        """Note that what is a sum in the table of a product cannot be told."""
        self._doubts.setdefault(product, f"the table {name} of {self._request.name} is not read: {why}; a sum must not be counted as a warehouse")

    def keep(self, part: Mapping[str, Any], row: dict[str, Any]) -> None:
        """Take a row whose figures can be read; put the others aside."""
        try:
            figures = {column: values.number(row.get(column)) for column in self.form.figures}
        except ValueError as error:
            self.rejects.append(Reject(self.form.table, "not_a_number", str(error), part))
        else:
            self._kept.append((part, row | figures))

    def readable(self) -> list[dict[str, Any]]:
        """Give the rows of the tables without doubt, and put the others aside; raises PayloadError when that is all there is."""
        self.rejects += [
            Reject(self.form.table, "unknown_sum", self._doubts[row["product_id"]], part)
            for part, row in self._kept
            if row["product_id"] in self._doubts
        ]
        kept = [row for _, row in self._kept if row["product_id"] not in self._doubts]
        if self._doubts and not kept:
            raise PayloadError(Outcome.FORMAT_CHANGED, "unknown_sum", "; ".join(self._doubts.values()))
        return kept


def parse_html(form: Form, request: Request, day: date, body: bytes, products: Mapping[str, str] | None = None) -> Parsed:
    """Read the page: one table per product, its date above the tables."""
    try:
        page = lxml_html.fromstring(body.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, etree.LxmlError) as error:
        raise PayloadError(Outcome.NOT_DATA, "undecodable", f"{request.name} is not a readable HTML page: {error}") from None
    intro = " ".join(node.text_content() for node in _of_class(page, "content_intro"))
    inner = re.search(r"(\d{4})-(\d{2})-(\d{2})", intro)
    if inner is None:
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_date", f"{request.name} states no date above its tables")
    if "".join(inner.groups()) != f"{day:%Y%m%d}":
        raise PayloadError(Outcome.NOT_DATA, "wrong_date", f"{request.name} is about {inner.group()}, not {day}")
    tables = _Tables(form, request, products)
    for table in _of_class(page, "el-table_table"):
        _read_table(form, request, day, table, tables)
    kept = tables.readable()
    if not kept:
        why = f": {tables.rejects[0].message}" if tables.rejects else ""
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_rows", f"{request.name} holds no row of any product that is known{why}")
    return Parsed({form.table: frame_of(form.table, kept)}, tuple(tables.rejects))


def _of_class(page: Any, name: str) -> Any:
    return page.xpath("//table[contains(concat(' ', normalize-space(@class), ' '), $name)]", name=f" {name} ")


def _read_table(form: Form, request: Request, day: date, table: Any, tables: _Tables) -> None:
    columns: list[str] = []
    header: list[Any] = []
    name = unit = product = None
    open_spans: dict[int, tuple[int, str]] = {}
    for line in table.iter("tr"):
        if line.find("th") is not None:
            header = [*header, line] if not columns else [line]
            columns = []
            continue
        columns = columns or (_columns(form, request, header) if header else [])
        cells = [(cell, cell.text_content().strip()) for cell in line.findall("td")]
        if "special_row_type" in (line.get("class") or ""):
            name, open_spans = cells[0][1] if cells else "", {}
            product = product_of(name, tables.products)
            unit = PRINTED_UNITS.get(re.sub(r"^单位[:：]\s*", "", cells[-1][1])) if cells else None
            continue
        if not cells or not columns:
            continue
        spread = _spread(cells, len(columns), open_spans)
        row = {column: text or "" for column, text in zip(columns, spread, strict=True)}
        try:
            level, region, label = _level(row, is_marked="isTotal" in (line.get("class") or "").split())
        except UnknownSumError as error:
            level, region, label = "detail", row["region"], None
            if product is not None:
                tables.doubt(product, name or "", str(error))
        part = tables.part(name or "", product, level, row)
        if product is None or unit is None:
            tables.rejects.append(_unknown(form.table, name or "", product, level, unit, part))
            continue
        tables.keep(
            part,
            {
                **row,
                "trade_date": day,
                "product_id": product,
                "product_name": name,
                "warehouse_type": table_kind(name or ""),
                "region": region,
                "warehouse": label or row["warehouse"],
                "row_level": level,
                "quantity_unit": unit,
                "payload_form": "html",
                "extra": None,
            },
        )
    if header and not columns:
        _columns(form, request, header)


def _spread(cells: Sequence[tuple[Any, str]], count: int, open_spans: dict[int, tuple[int, str]]) -> list[str | None]:
    """Give the text of each of `count` columns of a line, those of taller cells above it too, which `open_spans` keeps from line to line."""
    spread: list[str | None] = [None] * count
    place = 0
    for cell, text in cells:
        while place in open_spans and place < count:
            place = _take_span(open_spans, place, spread)
        width, height = _span(cell.get("colspan")), _span(cell.get("rowspan"))
        last = place + width - 1
        if last >= count:
            break
        spread[last] = text  # a wide cell's text belongs to the last column it covers
        if height > 1:
            open_spans[last] = (height - 1, text)
        place = last + 1
    while place in open_spans and place < count:
        place = _take_span(open_spans, place, spread)
    return spread


def _columns(form: Form, request: Request, header: Sequence[Any]) -> list[str]:
    """Name the columns of a table by the lines of its header, each cell standing over all columns it covers."""
    cells = header[0].findall("th")
    count = sum(_span(cell.get("colspan")) for cell in cells)
    if count - len(cells) > (most := SHIPPED_ONLY.limits.of(request.source, request.feed).columns):  # cells there are none of
        raise PayloadError(
            Outcome.FORMAT_CHANGED, "oversized", f"{request.name} has a table of {count:,} columns, more than the {most} that are read"
        )
    above: list[list[str]] = [[] for _ in range(count)]
    free = [0] * count  # lines from which on a column is not covered from above any more
    for number, line in enumerate(header):
        places = iter([place for place in range(count) if free[place] <= number])
        for cell in line.findall("th"):
            height, text = _span(cell.get("rowspan")), cell.text_content().strip()
            for _, place in zip(range(_span(cell.get("colspan"))), places, strict=False):
                above[place].append(text)
                free[place] = number + height
    known = _PLACE_HEADINGS | dict(form.headings)
    if unknown := next((said for said in map(tuple, above) if said not in known), None):
        raise PayloadError(Outcome.FORMAT_CHANGED, "unknown_column", f"{request.name} has a column {' '.join(unknown)!r} that is not known")
    columns = [known[tuple(said)] for said in above]
    if twice := repeats(columns):
        raise PayloadError(Outcome.FORMAT_CHANGED, "repeated_header", f"{request.name} has a table with {', '.join(twice)} twice")
    missing = {"region", "warehouse", *form.figures} - set(columns)
    if missing and missing != form.optional:
        raise PayloadError(Outcome.FORMAT_CHANGED, "missing_column", f"{request.name} has a table without {', '.join(sorted(missing))}")
    return columns


def _level(row: Mapping[str, str], *, is_marked: bool) -> tuple[str, str, str | None]:
    """Tell a sum from a warehouse: by the page's own mark, else by the label; gives the level, the region, and of a sum the label that is kept.

    Raises UnknownSumError where a label without mark looks like a sum, and where a marked row says neither in words nor by its place what it sums.
    """
    # The label stands where its span ends: in the warehouse column, or in the region's when that one comes last.
    warehouse, region = row["warehouse"], row["region"]
    try:
        if found := sum_label(warehouse):
            return ("product_total", "", found.text) if found.extent is Extent.WHOLE else ("region_total", region, found.text)
        if found := sum_label(region):
            # A factory with goods in several regions has a sum of its own: its label stands beside the factory, which takes the region's place.
            is_whole = found.extent is Extent.WHOLE and not warehouse
            return ("product_total" if is_whole else "region_total"), warehouse, found.text
    except UnknownSumError:
        if not is_marked or not (warehouse and region):
            raise
    if not is_marked:
        return "detail", region, None
    if not (warehouse and region):
        raise UnknownSumError(f"{warehouse or region!r} is marked as a sum, and its label does not say of what")
    return "region_total", region, warehouse


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


def table_kind(name: str) -> str:
    """Say by the name of a table whose goods it holds: `氧化铝(厂库)` a factory's own, any other a warehouse's."""
    return "factory" if "厂库" in name else "warehouse"


def product_of(name: str, products: Mapping[str, str] | None = None) -> str | None:
    """Find a product by the Chinese name of its receipts table, less 仓库/厂库; whole names only, since 氧化铝 contains 铝.

    The names are the shipped ones where none are given.
    """
    return (SHIPPED_ONLY.shfe_products if products is None else products).get(re.sub(r"[(（]?(?:仓库|厂库)[)）]?$", "", name).strip())


def _unknown(table: str, name: str, product: str | None, level: str | None, unit: str | None, row: Mapping[str, Any]) -> Reject:
    what = "product" if product is None else "row status" if level is None else "unit"
    advice = "; where it is a known product under a new name, say so in catalog/exchanges.toml of the home" if product is None else ""
    return Reject(table, f"unknown_{what.replace(' ', '_')}", f"the {what} of a row of {name!r} is not known (unit {unit}){advice}", row)


def _chinese(value: Any) -> str:
    return re.sub(r"[\x00-\x1f]+", "", text_of(value).split("$$")[0]).strip()
