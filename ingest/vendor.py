"""The drop-file contract: what a file exported from a price vendor must look like, and how it is read.

`{provider}_{feed}_{YYYYMMDD}[_rN].{csv|xlsx}`, one header row, one observation per row, quotes (low, high, average) or
single values. The pages `spot` and `capacity` say which feeds they take; the rules are the same for all.
"""

import csv
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ingest import values
from ingest.catalog.calendar import CalendarHorizonError, load_calendar
from ingest.inspect import inspect
from ingest.settings import Settings
from ingest.source import Outcome, Parsed, PayloadError, Reject, Request, Response, Verdict
from quality.raw import TABLES

NAME = re.compile(r"(?:^|/)(?P<provider>[A-Za-z]+)_(?P<feed>[a-z_]+?)_(?P<day>\d{8})(?:_r\d+)?\.(?P<form>csv|xlsx)$")

HEADERS = {
    "obs_date": ("日期", "价格日期", "数据日期", "date"),
    "series_name": ("名称", "品名", "产品名称", "指标名称"),
    "region": ("地区", "区域", "产地"),
    "low_value": ("最低价", "最低"),
    "high_value": ("最高价", "最高"),
    "average": ("均价", "平均价", "中间价"),
    "single": ("数值", "值", "value"),
    "change_value": ("涨跌", "涨跌额"),
    "unit": ("单位",),
    "basis_note": ("口径", "含税"),
    "series_id": ("指标ID", "指标编码", "产品ID", "代码"),
    "provider": ("数据来源", "来源", "提供方"),
    "frequency": ("频率", "频度"),
    "published_at": ("发布时间", "更新时间"),
}
_COLUMN_OF = {header: column for column, headers in HEADERS.items() for header in headers}
REQUIRED = ("obs_date", "series_name", "unit", "series_id", "provider")
PROVIDERS = {"上海有色网": "SMM", "阿拉丁": "ALD", "我的钢铁": "MYSTEEL"}
FREQUENCIES = {"日": "daily", "周": "weekly", "旬": "ten_day", "月": "monthly"}
UNITS = {
    "元/吨": ("CNY/t", 1.0),
    "美元/吨": ("USD/t", 1.0),
    "吨": ("t", 1.0),
    "千吨": ("t", 1e3),
    "万吨": ("t", 1e4),
    "吨/年": ("t/a", 1.0),
    "万吨/年": ("t/a", 1e4),
    "%": ("ratio", 0.01),
    "元/千瓦时": ("CNY/kWh", 1.0),
}
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")

# What a spreadsheet may be before it is inflated: an export of ten years of daily series stays far below this.
XLSX_MEMBERS, XLSX_BYTES, XLSX_RATIO = 200, 128 * 2**20, 200


@dataclass(frozen=True)
class VendorSource:
    """A source that reads drop files of some feeds into one raw table. Vendors' sites are licensed: people export, nothing is fetched."""

    name: str
    table: str
    feeds: Mapping[str, str]
    """Feed -> the frequency of a row that states none."""
    parser_version: str = "1"

    @property
    def tables(self) -> tuple[str, ...]:
        """The one raw table."""
        return (self.table,)

    def requests(self, day: date) -> list[Request]:
        """Nothing can be asked for: the files are exported by people."""
        return []

    def recognise(self, path: str) -> Request | None:
        """Know a file by the contract's name."""
        match = NAME.search(path)
        if match is None or match["feed"] not in self.feeds:
            return None
        name = path.rsplit("/", 1)[-1]
        return Request(self.name, match["feed"], name, name)

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Expect what the name's ending promises."""
        return inspect(response, "xlsx" if request.name.endswith(".xlsx") else "text")

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Read one file; refuses it as a whole when its header, provider, units or ids cannot be trusted."""
        match = NAME.search(request.name)
        if match is None:
            raise ValueError(f"{request.name} is not a drop file")
        header, lines = _xlsx(body) if match["form"] == "xlsx" else _csv(body)
        columns, remarks = _columns(header)
        rows = [dict(zip(columns, line, strict=False)) | {"_line": number} for number, line in enumerate(lines, start=2)]
        _refuse(rows, match["provider"].upper())
        kept: list[dict[str, Any]] = []
        rejects: list[Reject] = []
        for row in rows:
            try:
                kept.append(self._row(request, row))
            except ValueError as error:
                reason, _, message = str(error).partition(": ")
                rejects.append(Reject(self.table, reason, f"line {row['_line']}: {message}", {k: v for k, v in row.items() if k != "_line"}))
        schema = TABLES[self.table].schema
        frame = pl.DataFrame({name: [row[name] for row in kept] for name in schema}, schema=schema).unique(maintain_order=True)
        clashes = frame.filter(pl.len().over("provider", "series_id", "obs_date") > 1)
        if clashes.height:
            first = clashes.row(0, named=True)
            raise PayloadError(
                Outcome.NOT_DATA,
                "two_values",
                f"the file gives {first['series_id']} two different rows for {first['obs_date']}; keep the right one and drop it again",
            )
        return Parsed({self.table: frame}, tuple(rejects), None, tuple(remarks))

    def _row(self, request: Request, row: Mapping[str, Any]) -> dict[str, Any]:
        text = {column: str(value or "").strip() for column, value in row.items()}
        unit, scale = UNITS[text["unit"]]
        name = text["series_name"]
        # A capacity is an amount and a rate is a share: the other way round is a mixed-up column, not a figure.
        if ("产能" in name and unit == "ratio") or (("开工率" in name or "利用率" in name) and unit != "ratio"):
            raise ValueError(f"unit_of_another_kind: {name!r} cannot be in {text['unit']}")
        try:
            obs_date = values.day(text["obs_date"])
            published = values.moment(text.get("published_at"))
            figures = {column: values.number(text.get(column)) for column in ("low_value", "high_value", "average", "single", "change_value")}
        except ValueError as error:
            raise ValueError(f"unreadable_value: {error}") from None
        value = figures["average"] if figures["average"] is not None else figures["single"]
        if value is None:
            raise ValueError("no_value: the row has no average and no value")
        frequency = FREQUENCIES.get(text["frequency"]) if text.get("frequency") else self.feeds[request.feed]
        if frequency is None:
            raise ValueError(f"unknown_frequency: {text['frequency']!r} is not 日, 周, 旬 or 月")
        if frequency == "daily":
            try:
                if not load_calendar(Settings().catalog_overlay).is_session(obs_date):
                    raise ValueError(f"no_session: {obs_date} is not a trading day, a daily series has no value then")
            except CalendarHorizonError as error:
                raise ValueError(f"outside_calendar: {error}") from None
        if published is not None and published.date() < obs_date:
            raise ValueError(f"published_before_observed: published {published:%Y-%m-%d %H:%M} for {obs_date}")
        unknown = {column[1:]: value for column, value in row.items() if column.startswith("?")}
        scaled = {column: None if (figure := figures[column]) is None else figure * scale for column in ("low_value", "high_value", "change_value")}
        return {
            "feed": request.feed,
            "provider": PROVIDERS.get(text["provider"], text["provider"].upper()),
            "series_id": text["series_id"],
            "series_name": name,
            "region": text.get("region") or None,
            "frequency": frequency,
            "obs_date": obs_date,
            **scaled,
            "value": value * scale,
            "unit": unit,
            "basis_note": text.get("basis_note") or None,
            "published_at": published,
            "is_time_estimated": published is None,
            "extra": json.dumps(unknown, ensure_ascii=False, sort_keys=True) if unknown else None,
        }


def _columns(header: Sequence[str]) -> tuple[list[str], list[str]]:
    """Map printed headers to columns; unknown ones become `?header` and are kept as text."""
    columns = [_COLUMN_OF.get(name.strip(), f"?{name.strip()}") for name in header]
    repeated = {header[place] for place, column in enumerate(columns) if columns.count(column) > 1}
    if repeated:
        raise PayloadError(Outcome.FORMAT_CHANGED, "repeated_header", f"the header names a column twice: {', '.join(sorted(repeated))}")
    missing = [HEADERS[column][0] for column in REQUIRED if column not in columns]
    if not {"average", "single"} & set(columns):
        missing.append("均价 or 数值")
    if missing:
        raise PayloadError(Outcome.FORMAT_CHANGED, "missing_column", f"the header has no column {', '.join(missing)}; add it and drop the file again")
    return columns, [f"unknown_column:{column[1:]}" for column in columns if column.startswith("?")]


def _refuse(rows: Sequence[Mapping[str, Any]], provider: str) -> None:
    if not rows:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", "the file has a header and no rows")
    for row in rows:
        line = row["_line"]
        text = {column: str(row.get(column) or "").strip() for column in REQUIRED}
        if text["unit"] not in UNITS:
            raise PayloadError(Outcome.FORMAT_CHANGED, "unknown_unit", f"line {line}: unit {text['unit']!r} is not one of {', '.join(UNITS)}")
        if PROVIDERS.get(text["provider"], text["provider"].upper()) != provider:
            raise PayloadError(Outcome.NOT_DATA, "provider_mismatch", f"line {line}: data of {text['provider']!r} in a file named for {provider}")
        if not text["series_id"] or _SCIENTIFIC.fullmatch(text["series_id"]):
            raise PayloadError(
                Outcome.NOT_DATA,
                "mangled_series_id",
                f"line {line}: series id {text['series_id']!r} was mangled by a spreadsheet; export ids as text and drop the file again",
            )


def _csv(body: bytes) -> tuple[list[str], list[list[str]]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise PayloadError(Outcome.NOT_DATA, "undecodable", "the file is neither UTF-8 nor GB18030 text")
    try:
        lines = [line for line in csv.reader(io.StringIO(text), strict=True) if any(cell.strip() for cell in line)]
    except csv.Error as error:
        raise PayloadError(Outcome.NOT_DATA, "unparsable", f"the file is not CSV: {error}") from None
    return _table(lines)


def _xlsx(body: bytes) -> tuple[list[str], list[list[str]]]:
    import fastexcel  # only spreadsheets need it

    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = archive.infolist()
        inflated = sum(member.file_size for member in members)
        if len(members) > XLSX_MEMBERS or inflated > XLSX_BYTES or inflated > XLSX_RATIO * len(body):
            raise PayloadError(
                Outcome.NOT_DATA, "oversized", f"the spreadsheet would inflate to {inflated} bytes in {len(members)} parts; it is not read"
            )
        sheet = fastexcel.read_excel(body).load_sheet(0, header_row=None, dtypes="string")
        lines = [["" if cell is None else str(cell) for cell in line] for line in sheet.to_polars().rows()]
    except (zipfile.BadZipFile, fastexcel.FastExcelError) as error:
        raise PayloadError(Outcome.NOT_DATA, "unparsable", f"the file is not a readable spreadsheet: {error}") from None
    return _table([line for line in lines if any(cell.strip() for cell in line)])


def _table(lines: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    if not lines:
        raise PayloadError(Outcome.NOT_DATA, "empty", "the file holds no row")
    header, rows = lines[0], lines[1:]
    ragged = next((number for number, row in enumerate(rows, start=2) if len(row) != len(header)), None)
    if ragged is not None:
        raise PayloadError(Outcome.NOT_DATA, "ragged", f"line {ragged} has {len(rows[ragged - 2])} cells, the header {len(header)}")
    return header, rows
