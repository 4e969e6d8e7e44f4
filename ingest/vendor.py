"""The drop-file contract: what a file exported from a price vendor must look like, and how it is read.

`{provider}_{feed}_{YYYYMMDD}[_rN].{csv|xlsx}`. Long: one header row, one observation per row, quotes (layout A: low, high,
average) or single values (B). Wide (C): a terminal's export, one series per column under rows of labels, one day per row. The
pages `spot`, `cost` and `capacity` say which feeds they take; the rules are the same for all. For people: `docs/drop-files.md`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ingest import sheet, values
from ingest.catalog.calendar import Calendar, CalendarHorizonError
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.inspect import inspect
from ingest.source import Cadence, Outcome, Parsed, PayloadError, Reject, Request, Response, Verdict
from ingest.table import Line, below_header, csv_lines, filled, repeats
from quality.raw import TABLES

NAME = re.compile(r"(?:^|/)(?P<provider>[A-Za-z]+)_(?P<feed>[a-z_]+?)_(?P<day>\d{8})(?:_r\d+)?\.(?P<form>csv|xlsx)\Z")

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
    "basis_note": ("口径", "含税", "成本口径", "模型"),
    "series_id": ("指标ID", "指标编码", "产品ID", "代码"),
    "provider": ("数据来源", "来源", "提供方"),
    "frequency": ("频率", "频度"),
    "published_at": ("发布时间", "更新时间"),
}
_COLUMN_OF = {header: column for column, headers in HEADERS.items() for header in headers}
REQUIRED = ("obs_date", "series_name", "unit", "series_id", "provider")
PROVIDERS = {"上海有色网": "SMM", "阿拉丁": "ALD", "我的钢铁": "MYSTEEL", "我的钢铁网": "MYSTEEL"}
FREQUENCIES = {"日": "daily", "周": "weekly", "旬": "ten_day", "月": "monthly"}
UNITS = {
    "元/吨": ("CNY/t", 1.0),
    "元/干吨": ("CNY/t", 1.0),
    "元/湿吨": ("CNY/t", 1.0),
    "美元/吨": ("USD/t", 1.0),
    "美元/干吨": ("USD/t", 1.0),
    "美元/湿吨": ("USD/t", 1.0),
    "元/美元": ("CNY/USD", 1.0),
    "吨": ("t", 1.0),
    "千吨": ("t", 1e3),
    "kt": ("t", 1e3),
    "万吨": ("t", 1e4),
    "吨/年": ("t/a", 1.0),
    "千吨/年": ("t/a", 1e3),
    "kt/a": ("t/a", 1e3),
    "万吨/年": ("t/a", 1e4),
    "%": ("ratio", 0.01),
    "元/千瓦时": ("CNY/kWh", 1.0),
}
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")

# Rows of a wide export that say something about each series; the others of column 1 are days, or a footer about the whole.
LABELS = frozenset({"series_name", "frequency", "unit", "series_id", "provider", "published_at", "region", "basis_note"})
_FOOTER = re.compile(r"(数据来源|来源|注|备注|说明|Source|Note)\s*[:：]\s*(.*)", re.IGNORECASE)
_MOISTURE = re.compile("[干湿]")


@dataclass(frozen=True, slots=True)
class Feed:
    """Where a feed's rows go, and the frequency of a row that states none."""

    table: str
    frequency: str


@dataclass(frozen=True)
class VendorSource:
    """A source that reads drop files of some feeds. Vendors' sites are licensed: people export, nothing is fetched."""

    name: str
    feeds: Mapping[str, Feed]
    configuration: Configuration = SHIPPED_ONLY
    parser_version: str = "2"
    cadence: Cadence = Cadence.ANY_DAY

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of its feeds, each once."""
        return tuple(dict.fromkeys(feed.table for feed in self.feeds.values()))

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
        table = self.feeds[request.feed].table
        lines = read_lines(match["form"], body, self.configuration.limits.sheet)
        rows, remarks, rejects = (
            _unpivot(table, lines, self.configuration.limits.of(self.name, request.feed).rows) if _is_wide(lines) else _long(lines)
        )
        _refuse(rows, match["provider"].upper())
        calendar = self.configuration.calendar
        kept: list[dict[str, Any]] = []
        for row in rows:
            try:
                kept.append(self._row(request, row, calendar))
            except ValueError as error:
                reason, _, message = str(error).partition(": ")
                rejects.append(Reject(table, reason, f"{row['_line']}: {message}", {k: v for k, v in row.items() if k != "_line"}))
        schema = TABLES[table].schema
        frame = pl.DataFrame({name: [row[name] for row in kept] for name in schema}, schema=schema).unique(maintain_order=True)
        clashes = frame.filter(pl.len().over("provider", "series_id", "obs_date") > 1)
        if clashes.height:
            first = clashes.row(0, named=True)
            raise PayloadError(
                Outcome.NOT_DATA,
                "two_values",
                f"the file gives {first['series_id']} two different rows for {first['obs_date']}; keep the right one and drop it again",
            )
        return Parsed({table: frame}, tuple(rejects), None, tuple(remarks))

    def _row(self, request: Request, row: Mapping[str, Any], calendar: Calendar) -> dict[str, Any]:
        text = {column: str(value or "").strip() for column, value in row.items()}
        unit, scale = UNITS[_unit(text["unit"])]
        name = text["series_name"]
        # A capacity is an amount and a rate (产能利用率 too) is a share: the other way round is a mixed-up column, not a figure.
        is_rate = "开工率" in name or "利用率" in name
        if (is_rate and unit != "ratio") or ("产能" in name and not is_rate and unit == "ratio"):
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
        frequency = FREQUENCIES.get(text["frequency"]) if text.get("frequency") else self.feeds[request.feed].frequency
        if frequency is None:
            raise ValueError(f"unknown_frequency: {text['frequency']!r} is not 日, 周, 旬 or 月")
        if frequency == "daily":
            try:
                if not calendar.is_session(obs_date):
                    raise ValueError(f"no_session: {obs_date} is not a trading day, a daily series has no value then")
            except CalendarHorizonError as error:
                raise ValueError(f"outside_calendar: {error}") from None
        if published is not None and published.date() < obs_date:
            raise ValueError(f"published_before_observed: published {published:%Y-%m-%d %H:%M} for {obs_date}")
        basis = _basis(text.get("basis_note", ""), text["unit"])
        unknown = {column[1:]: value for column, value in row.items() if column.startswith("?")}
        scaled = {column: None if (figure := figures[column]) is None else figure * scale for column in ("low_value", "high_value", "change_value")}
        return {
            "feed": request.feed,
            "provider": provider_of(text["provider"]),
            "series_id": text["series_id"],
            "series_name": name,
            "region": text.get("region") or None,
            "frequency": frequency,
            "obs_date": obs_date,
            **scaled,
            "value": value * scale,
            "unit": unit,
            "basis_note": basis,
            "published_at": published,
            "is_time_estimated": published is None,
            "extra": json.dumps(unknown, ensure_ascii=False, sort_keys=True) if unknown else None,
        }


def _columns(header: Sequence[str]) -> tuple[list[str], list[str]]:
    """Map printed headers to columns; unknown ones become `?header` and are kept as text."""
    columns = [_COLUMN_OF.get(name.strip(), f"?{name.strip()}") for name in header]
    twice = set(repeats(columns))
    if repeated := sorted({name for name, column in zip(header, columns, strict=True) if column in twice}):
        raise PayloadError(Outcome.FORMAT_CHANGED, "repeated_header", f"the header names a column twice: {', '.join(repeated)}")
    missing = [HEADERS[column][0] for column in REQUIRED if column not in columns]
    if not {"average", "single"} & set(columns):
        missing.append("均价 or 数值")
    if missing:
        raise PayloadError(Outcome.FORMAT_CHANGED, "missing_column", f"the header has no column {', '.join(missing)}; add it and drop the file again")
    return columns, [f"unknown_column:{column[1:]}" for column in columns if column.startswith("?")]


def _refuse(rows: Sequence[Mapping[str, Any]], provider: str) -> None:
    for row in rows:
        line = row["_line"]
        text = {column: str(row.get(column) or "").strip() for column in REQUIRED}
        if _unit(text["unit"]) not in UNITS:
            raise PayloadError(Outcome.FORMAT_CHANGED, "unknown_unit", f"{line}: unit {text['unit']!r} is not one of {', '.join(UNITS)}")
        if provider_of(text["provider"]) != provider:
            raise PayloadError(Outcome.NOT_DATA, "provider_mismatch", f"{line}: data of {text['provider']!r} in a file named for {provider}")
        if not text["series_id"] or _SCIENTIFIC.fullmatch(text["series_id"]):
            raise PayloadError(
                Outcome.NOT_DATA,
                "mangled_series_id",
                f"{line}: series id {text['series_id']!r} was mangled by a spreadsheet; export ids as text and drop the file again",
            )


def provider_of(text: str) -> str:
    """Name a provider as the warehouse does: `上海有色网` and `smm` are SMM."""
    return PROVIDERS.get(text, text.upper())


def read_lines(form: str, body: bytes, limits: sheet.Limits) -> list[Line]:
    """Give the lines of a CSV or a spreadsheet that hold anything, with their numbers; raises PayloadError when they cannot be read."""
    return filled(enumerate(sheet.read(body, limits), start=1) if form == "xlsx" else csv_lines(body))


def records(lines: Sequence[Line], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Pair every line under the header with the columns."""
    return [dict(zip(columns, cells, strict=True)) | {"_line": f"line {number}"} for number, cells in below_header(lines)]


def _is_wide(lines: Sequence[Line]) -> bool:
    """Tell a terminal's export: the labels stand under each other in column 1, not beside each other in line 1."""
    return len({_COLUMN_OF[head] for _, cells in lines if (head := cells[0].strip()) in _COLUMN_OF} & LABELS) > 1


def _long(lines: Sequence[Line]) -> tuple[list[dict[str, Any]], list[str], list[Reject]]:
    columns, remarks = _columns(lines[0][1])
    return records(lines, columns), remarks, []


def _unpivot(table: str, lines: Sequence[Line], most: int) -> tuple[list[dict[str, Any]], list[str], list[Reject]]:
    """Turn a wide export into single values. Blank cells are no observations; a label row is known by its label, wherever it stands."""
    labels: dict[str, list[str]] = {}
    days: list[Line] = []
    remarks, rejects, footer = [], [], ""
    for number, cells in lines:
        head, rest = cells[0].strip(), [cell.strip() for cell in cells[1:]]
        column = _COLUMN_OF.get(head)
        if column in LABELS:
            # 更新时间 of a series is when its newest value came, not when each of them did: kept as text, the clock decides.
            key = f"?{head}" if column == "published_at" else str(column)
            if key in labels:
                raise PayloadError(Outcome.FORMAT_CHANGED, "repeated_header", f"line {number}: the labels name {head} twice")
            labels[key] = [cell.removesuffix(" 00:00:00") for cell in rest]  # a spreadsheet's date has a midnight
        elif _is_day(head):
            days.append((number, cells))
        elif not any(rest):
            note = _FOOTER.match(head)
            footer = note[2].strip() if note and "来源" in note[1] else footer
            remarks += [] if note else [f"unknown_line:{head}"]
        elif not days:
            labels[f"?{head}"] = rest
            remarks.append(f"unknown_column:{head}")
        else:
            row = dict(enumerate(cells))
            rejects.append(Reject(table, "unreadable_value", f"line {number}: {head!r} is not a date", {str(k): v for k, v in row.items()}))
    missing = [HEADERS[column][0] for column in ("series_name", "unit", "series_id") if column not in labels]
    missing += [] if footer or "provider" in labels else [HEADERS["provider"][0]]
    if missing:
        raise PayloadError(Outcome.FORMAT_CHANGED, "missing_column", f"no row is labelled {', '.join(missing)}; add it and drop the file again")
    width = len(labels["series_id"])
    if len(labels) > (allowed := SHIPPED_ONLY.limits.shape.label_rows) or len(days) * width > most:  # each figure repeats its labels
        raise PayloadError(
            Outcome.NOT_DATA,
            "oversized",
            f"the file has {len(days) * width:,} figures under {len(labels)} labels, more than the {most:,} under {allowed} that are read; export a shorter span",
        )
    for number, cells in days:
        if len(cells) - 1 != width:
            raise PayloadError(Outcome.NOT_DATA, "ragged", f"line {number} has {len(cells)} cells, the labels {width + 1}")
    rows = []
    for number, cells in days:
        for place, cell in enumerate(cells[1:]):
            if cell.strip() in values.BLANKS:
                continue
            said = {column: texts[place] if place < len(texts) else "" for column, texts in labels.items()}
            said["provider"] = said.get("provider") or footer
            rows.append({"obs_date": cells[0], "single": cell, **said, "_line": f"line {number}, column {place + 2} ({said['series_id']})"})
    if not rows:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", "the file has labels and no values")
    return rows, remarks, rejects


def _is_day(text: str) -> bool:
    try:
        values.day(text)
    except ValueError:
        return False
    return True


def _unit(text: str) -> str:
    return values.plain(text) if len(text) <= values.LONGEST else text


def _basis(printed: str, unit: str) -> str | None:
    """Keep what the row says of its basis, with the moisture its unit names (美元/干吨); raises ValueError when the two contradict."""
    moisture, said = _MOISTURE.search(unit), _MOISTURE.search(printed)
    if moisture and said and moisture[0] != said[0]:
        raise ValueError(f"basis_contradicts_unit: {printed!r} in {unit}")
    return ";".join(part for part in (printed, f"{moisture[0]}吨" if moisture and not said else "") if part) or None
