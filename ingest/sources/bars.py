"""Minute and session bars of single contracts, by drop file: unadjusted prices of the exchange, each bar stamped with its end.

The trade date follows from the calendar: an evening's bars and those after its midnight belong to the session the evening
opens, so Friday night is Monday. Chains, indices and adjusted prices are refused: they are not what anybody could trade.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl

from ingest import sheet, values
from ingest.catalog.calendar import Calendar, CalendarHorizonError
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.inspect import inspect
from ingest.source import Cadence, Outcome, Parsed, PayloadError, Reject, Request, Response, Verdict
from ingest.table import NAMES_IN_A_HEADER, headed, heading, named, refuse_two_values, repeats, tables, tidy
from ingest.vendor import NAME, drop_file, grids
from quality.raw import TABLES

TABLE = "bars__prices"
HEADERS = {
    "contract": ("contract", "合约", "合约代码"),
    "event_at": ("event_ts", "时间", "日期时间"),
    "open_price": ("open", "开盘", "开盘价"),
    "high_price": ("high", "最高", "最高价"),
    "low_price": ("low", "最低", "最低价"),
    "close_price": ("close", "收盘", "收盘价"),
    "volume_lots": ("volume", "成交量"),
    "open_interest_lots": ("oi", "持仓量"),
}
PRICES = ("open_price", "high_price", "low_price", "close_price")
_COLUMN_OF = {heading(header): column for column, headers in HEADERS.items() for header in headers}
_CONTRACT = re.compile(r"(?:[A-Z]+\.)?([A-Za-z]{1,2})(\d{2}(?:0[1-9]|1[0-2]))(?:\.[A-Z]+)?")
_ADJUSTED = re.compile(r"复权|adj", re.IGNORECASE)
# A bar's end lies after the first time and not after the second. Products trade in a part of each session.
SESSIONS = (
    ("am1", time(9), time(10, 15)),
    ("am2", time(10, 30), time(11, 30)),
    ("pm", time(13, 30), time(15)),
)
DAY_ENDS = SESSIONS[-1][2]
NIGHT_BEGINS, NIGHT_ENDS = time(21), time(3)
# No auction ends at these times, so a bar with one of them is stamped with its beginning.
_BEGINNINGS = frozenset({time(10, 30), time(13, 30)})


class Bars:
    """Feed `bars` into `bars__prices`."""

    name = "bars"
    parser_version = "2"
    tables: tuple[str, ...] = (TABLE,)
    cadence = Cadence.ANY_DAY

    def __init__(self, configuration: Configuration = SHIPPED_ONLY) -> None:
        self.configuration = configuration

    def requests(self, day: date) -> list[Request]:
        """Nothing is fetched: the files are exported by people."""
        return []

    def recognise(self, path: str) -> Request | None:
        """Know a file by the drop files' name."""
        return drop_file(self.name, path, ("bars",))

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Expect the format that the ending of the name states."""
        return inspect(response, "xlsx" if request.name.lower().endswith(".xlsx") else "text")

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Read one file; refuses it as a whole when its columns, contracts or stamps are not those of single contracts."""
        match = NAME.search(request.name)
        if match is None:
            raise ValueError(f"{request.name} is not a drop file")
        limits = self.configuration.limits
        most = max(limits.sheet.cells, limits.of(self.name, request.feed).cells)  # half a year of minutes is more than any other sheet
        rows, remarks = _read(body, replace(limits.sheet, cells=most))
        kept: list[dict[str, Any]] = []
        rejects: list[Reject] = []
        ends: list[time] = []
        off_tick = 0
        calendar, ticks = self.configuration.calendar, self.configuration.ticks
        for row in rows:
            contract = _contract(row)
            try:
                bar = _bar(row, contract)
                ends.append(bar["event_at"].time())
                if _is_off_tick(bar, ticks):
                    off_tick += 1
                    raise ValueError(f"off_tick: a price of {row['contract']} is not on the contract's tick")
                kept.append(bar | _session(bar["event_at"], calendar) | {"provider": match["provider"].upper()})
            except ValueError as error:
                reason, _, message = str(error).partition(": ")
                shown = {k: v for k, v in row.items() if k != "_line"}
                rejects.append(Reject(TABLE, reason, f"{row['_line']}: {message}", shown))
        if _BEGINNINGS.intersection(ends):
            raise PayloadError(
                Outcome.NOT_DATA, "stamped_at_begin", "bars stand at 10:30 or 13:30: the stamp must be the end of each bar; export them so"
            )
        if ends and set(ends) == {time(0)}:
            raise PayloadError(Outcome.NOT_DATA, "no_times", "every bar stands at 00:00: days are not bars; export minute or session bars")
        # One bar may be a whole afternoon; comparing it with the exchange's day decides (int_contracts__bar_days).
        if set(ends) == {DAY_ENDS} and len({bar["trade_date"] for bar in kept}) > 1:
            raise PayloadError(
                Outcome.NOT_DATA,
                "daily_bars",
                "every bar stands at 15:00: days are not bars; export minute or session bars, each stamped with its end",
            )
        if off_tick * 2 > len(rows):
            raise PayloadError(
                Outcome.NOT_DATA, "adjusted_series", "most prices are not on the contract's tick: adjusted series are not taken, export raw prices"
            )
        schema = TABLES[TABLE].schema
        printed = {name: kind for name, kind in schema.items() if name != "bar_length"}
        frame = pl.DataFrame({name: [row[name] for row in kept] for name in printed}, schema=printed)
        frame = _lengths(frame.unique(maintain_order=True)).select(list(schema))
        key = ("product_id", "delivery_month_code", "event_at")
        refuse_two_values(frame, key, "{product_id}{delivery_month_code} two different bars for one time")
        return Parsed({TABLE: frame}, tuple(rejects), None, tuple(remarks))


def _read(body: bytes, limits: sheet.Limits) -> tuple[list[dict[str, Any]], list[str]]:
    """Give the bars of every table of a file, each with its line, and what was unusual."""
    parts, remarks = grids(body, limits)
    rows: list[dict[str, Any]] = []
    for where, lines in parts:
        found = tables(lines, lambda cells: len(named(cells, _COLUMN_OF)) >= NAMES_IN_A_HEADER)
        for table in found or ([headed(lines)] if len(parts) == 1 else []):
            columns, unusual = _columns(table.header)
            remarks += [remark for remark in unusual if remark not in remarks]
            rows += [dict(zip(columns, map(tidy, cells), strict=True)) | {"_line": f"{where}line {number}"} for number, cells in table.rows]
    if not rows:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", "the file has a header and no rows")
    return rows, remarks


def _columns(header: Sequence[str]) -> tuple[list[str], list[str]]:
    names = [tidy(name) for name in header]
    if adjusted := [name for name in names if _ADJUSTED.search(name)]:
        raise PayloadError(Outcome.NOT_DATA, "adjusted_series", f"column {adjusted[0]!r}: adjusted series are not taken, export raw prices")
    columns = [_COLUMN_OF.get(heading(name), f"?{name}") for name in names]
    twice = set(repeats(columns))
    if repeated := sorted({name for name, column in zip(names, columns, strict=True) if column in twice}):
        raise PayloadError(Outcome.FORMAT_CHANGED, "repeated_header", f"the header names a column twice: {', '.join(repeated)}")
    if missing := [headers[0] for column, headers in HEADERS.items() if column not in columns]:
        raise PayloadError(Outcome.FORMAT_CHANGED, "missing_column", f"the header has no column {', '.join(missing)}; add it and drop the file again")
    return columns, [f"unknown_column:{column[1:]}" for column in columns if column.startswith("?")]


def _contract(row: Mapping[str, Any]) -> tuple[str, str]:
    match = _CONTRACT.fullmatch(str(row["contract"]).strip())
    if match is None:
        raise PayloadError(
            Outcome.NOT_DATA,
            "no_single_contract",
            f"{row['_line']}: {str(row['contract'])!r} is not a contract (ao2509); chains, indices and adjusted series are not taken",
        )
    return match[1].lower(), match[2]


def _bar(row: Mapping[str, Any], contract: tuple[str, str]) -> dict[str, Any]:
    try:
        event = values.moment(row["event_at"])
        prices = {column: values.number(row[column]) for column in PRICES}
        lots = {column: values.whole(row[column]) for column in ("volume_lots", "open_interest_lots")}
    except ValueError as error:
        raise ValueError(f"unreadable_value: {error}") from None
    if event is None or None in prices.values() or lots["volume_lots"] is None:
        raise ValueError("no_value: a bar needs its time, four prices and its volume")
    if event.second:
        raise ValueError(f"no_bar_time: {event:%H:%M:%S} is not a whole minute: ticks are not bars")
    extra = {column[1:]: str(value) for column, value in row.items() if column.startswith("?")}
    text = json.dumps(extra, ensure_ascii=False, sort_keys=True) if extra else None
    return {"product_id": contract[0], "delivery_month_code": contract[1], "event_at": event, **prices, **lots, "extra": text}


def _is_off_tick(bar: Mapping[str, Any], ticks: Mapping[str, Sequence[float]]) -> bool:
    known = ticks.get(bar["product_id"], ())
    return bool(known) and not any(all(abs(bar[name] / tick - round(bar[name] / tick)) < 1e-6 for name in PRICES) for tick in known)


def _session(event: datetime, calendar: Calendar) -> dict[str, Any]:
    """Say which trade date and session the end of a bar belongs to; raises ValueError where the exchange was closed."""
    clock = event.time()
    try:
        if clock > NIGHT_BEGINS or clock <= NIGHT_ENDS:
            evening = event.date() - timedelta(days=1) if clock <= NIGHT_ENDS else event.date()
            trade_date = calendar.night_of(evening)
            if trade_date is None:
                raise ValueError(f"no_session: {event:%Y-%m-%d %H:%M}: there was no night session on the evening of {evening}")
            return {"trade_date": trade_date, "session": "night"}
        session = next((name for name, begin, end in SESSIONS if begin < clock <= end), None)
        if session is None:
            raise ValueError(f"outside_session: {event:%H:%M} is no time at which a bar of a session ends")
        if not calendar.is_session(event.date()):
            raise ValueError(f"no_session: {event.date()} is not a trading day")
    except CalendarHorizonError as error:
        raise ValueError(f"outside_calendar: {error}") from None
    return {"trade_date": event.date(), "session": session}


def _lengths(frame: pl.DataFrame) -> pl.DataFrame:
    """Name the length of the bars: the smallest distance of two ends in one session, `session` where no session has two."""
    apart = pl.col("event_at").diff().over("product_id", "delivery_month_code", "trade_date", "session", order_by="event_at")
    shortest = frame.select(apart.dt.total_minutes().min()).item() if frame.height else None
    return frame.with_columns(pl.lit(f"{shortest}m" if shortest else "session").alias("bar_length"))
