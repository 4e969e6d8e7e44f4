"""The drop-file contract: what a file exported from a price vendor must look like, and how it is read.

`{provider}_{feed}_{YYYYMMDD}[_rN].{csv|xlsx}`; how tables lie in a file is `ingest.layout`'s to say, here its records become typed rows.
A file of another name is known by what it holds (`adopted`). The pages `spot`, `cost` and `capacity` say which feeds they take; the rules
are the same for all. For people: `docs/drop-files.md`.
"""

import hashlib
import json
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ingest import sheet, values
from ingest.catalog.calendar import Calendar, CalendarHorizonError
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.catalog.limits import Limits
from ingest.inspect import inspect, kind_of
from ingest.layout import Reader, Records, no_table
from ingest.source import Cadence, Outcome, Parsed, PayloadError, Reject, Request, Response, Verdict
from ingest.table import Line, csv_lines, filled, heading, refuse_two_values, tidy
from ingest.within import require_within
from quality.raw import TABLES

NAME = re.compile(r"(?:^|/)(?P<provider>[A-Za-z]+)_(?P<feed>[a-z_]+?)_(?P<day>\d{8})(?:_r\d+)?\.(?P<form>csv|xlsx)\Z")

PROVIDERS = {
    "SMM": ("上海有色网", "上海有色", "SMM上海有色网", "上海有色网(SMM)"),
    "ALD": ("阿拉丁", "阿拉丁(ALD)", "爱择咨询"),
    "MYSTEEL": ("我的钢铁", "我的钢铁网", "钢联", "钢联数据", "上海钢联"),
    "WIND": ("万得", "Wind资讯", "万得资讯"),
    "IFIND": ("同花顺", "同花顺iFinD", "同花顺金融数据库"),
    "BOC": ("中国银行",),
    "ANTAIKE": ("安泰科",),
    "BAIINFO": ("百川盈孚",),
    "IAI": ("国际铝业协会", "国际铝协"),
}
_PROVIDER_OF = {heading(name): provider for provider, names in PROVIDERS.items() for name in (provider, *names)}
_PLAIN_PROVIDER = re.compile(r"[A-Z][A-Z0-9 .&_-]{0,30}")
FREQUENCIES = {
    word: frequency
    for frequency, words in {
        "daily": ("日", "日度", "每日", "daily", "d"),
        "weekly": ("周", "周度", "每周", "weekly", "w"),
        "ten_day": ("旬", "旬度"),
        "monthly": ("月", "月度", "每月", "monthly", "m"),
    }.items()
    for word in words
}
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
# Names of series by feed. The first match counts: the price of an input is no spot price, and its cost is no price.
SPEAKS_OF = {
    "inputs": re.compile("铝土矿|烧碱|液碱|片碱|动力煤|电价|石灰|矿石"),
    "cost_profit": re.compile("成本|利润|盈亏"),
    "inventory": re.compile("库存|在途"),
    "capacity": re.compile("产能|开工|利用率|产量"),
    "overseas": re.compile("FOB|CIF|离岸|到岸|运费|海运|海外|汇率|卖出价", re.IGNORECASE),
    "spot_price": re.compile("现货|均价|市场价|价格|指数|报价"),
}
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")

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
    parser_version: str = "3"
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
        return drop_file(self.name, path, self.feeds)

    def adopt(self, name: str, body: bytes) -> Request | None:
        """Know a file of another name by the series it holds."""
        feed = feed_of(name, body, self.configuration.limits)
        return Request(self.name, feed, name, name) if feed is not None and feed in self.feeds else None

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Expect what the name's ending promises."""
        return inspect(response, "xlsx" if request.name.lower().endswith(".xlsx") else "text")

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Read one file; refuses it as a whole when its header, units or ids cannot be trusted."""
        table = self.feeds[request.feed].table
        limits = self.configuration.limits
        found = read_records(body, Reader(table, UNITS, limits.of(self.name, request.feed).rows), limits.sheet)
        named = provider_in(request.name)
        providers = _require(found.rows, named)
        rejects, remarks = found.rejects, found.remarks
        if named and named not in providers:
            remarks.append(f"provider_of_content: the name of the file says {named}, its figures are of {', '.join(sorted(providers))} and go there")
        calendar = self.configuration.calendar
        kept: list[dict[str, Any]] = []
        for row in found.rows:
            try:
                kept.append(self._row(request, row, calendar))
            except ValueError as error:
                reason, _, message = str(error).partition(": ")
                rejects.append(Reject(table, reason, f"{row['_line']}: {message}", {k: v for k, v in row.items() if k != "_line"}))
        schema = TABLES[table].schema
        frame = pl.DataFrame({name: [row[name] for row in kept] for name in schema}, schema=schema).unique(maintain_order=True)
        refuse_two_values(frame, ("provider", "series_id", "obs_date"), "{series_id} two different rows for {obs_date}")
        return Parsed({table: frame}, tuple(rejects), None, tuple(remarks))

    def _row(self, request: Request, row: Mapping[str, Any], calendar: Calendar) -> dict[str, Any]:
        text = {column: str(value or "") for column, value in row.items()}
        if not values.looks_like_a_value(text["obs_date"]):
            raise ValueError(f"unreadable_value: {text['obs_date']!r} is not a date; write it as 2025-07-22")
        unit, scale = UNITS[_unit(text["unit"])]
        name = text["series_name"]
        if not _PLAIN_PROVIDER.fullmatch(text["provider"]) and values.looks_like_a_value(text["obs_date"]):
            raise ValueError(f"unknown_provider: source {text['provider']!r} is none that is known; write the provider's letters, such as SMM")
        # A capacity is an amount and a rate (also 产能利用率) is a share. The other way round, columns were mixed up.
        is_rate = "开工率" in name or "利用率" in name
        if (is_rate and unit != "ratio") or ("产能" in name and not is_rate and unit == "ratio"):
            raise ValueError(f"unit_of_another_kind: {name!r} cannot be in {text['unit']}")
        stated = text.get("frequency") or ("月" if values.is_month(text["obs_date"]) else "")
        frequency = FREQUENCIES.get(heading(stated)) if stated else self.feeds[request.feed].frequency
        if frequency is None:
            raise ValueError(f"unknown_frequency: {stated!r} is not 日, 周, 旬 or 月")
        unknown = {column[1:]: value for column, value in row.items() if column.startswith("?")}
        if unit != "ratio" and text.get("change_value", "").endswith(("%", "％")):  # of another quantity than the price
            unknown["涨跌"] = text.pop("change_value")
        try:
            obs_date = values.written_day(text["obs_date"], is_monthly=frequency == "monthly")
            published = values.written_moment(text.get("published_at"))
            figures = {column: _figure(text.get(column), unit) for column in ("low_value", "high_value", "average", "single", "change_value")}
        except ValueError as error:
            raise ValueError(f"unreadable_value: {error}") from None
        value = figures["average"] if figures["average"] is not None else figures["single"]
        if value is None:
            raise ValueError("no_value: the row has no average and no value")
        if frequency == "daily":
            try:
                if not calendar.is_session(obs_date):
                    raise ValueError(f"no_session: {obs_date} is not a trading day, a daily series has no value then")
            except CalendarHorizonError as error:
                raise ValueError(f"outside_calendar: {error}") from None
        if published is not None and published.date() < obs_date:
            raise ValueError(f"published_before_observed: published {published:%Y-%m-%d %H:%M} for {obs_date}")
        basis = _basis(text.get("basis_note", ""), text["unit"])
        scaled = {column: None if (figure := figures[column]) is None else figure * scale for column in ("low_value", "high_value", "change_value")}
        return {
            "feed": request.feed,
            "provider": text["provider"],
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


def drop_file(source: str, path: str, feeds: Container[str], *, forms: Container[str] = ("csv", "xlsx")) -> Request | None:
    """Know a file of these feeds and forms by the drop files' name; None where it is another."""
    match = NAME.search(path)
    if match is None or match["feed"] not in feeds or match["form"] not in forms:
        return None
    name = path.rsplit("/", 1)[-1]
    return Request(source, match["feed"], name, name)


def feed_of(name: str, body: bytes, limits: Limits) -> str | None:
    """Give the feed of a file whose name does not say it: that of all its series, else the one its name speaks of."""
    feeds = feeds_in(name, body, limits)
    if feeds is None:
        return None
    return next(iter(feeds)) if len(feeds) == 1 else next((feed for feed in SPEAKS_OF if feed in name.lower()), None) or _spoken_of(name)


_FEEDS_IN: dict[tuple[str, str], frozenset[str] | None] = {}
# Kept: each source asks in turn, and reading a spreadsheet takes a process.
_REMEMBERED = 256


def feeds_in(name: str, body: bytes, limits: Limits) -> frozenset[str] | None:
    """Give the feeds the series of a file speak of, none where it cannot be read yet; None where it is neither text nor a spreadsheet."""
    key = (name, hashlib.sha256(body).hexdigest())
    if key not in _FEEDS_IN:
        while len(_FEEDS_IN) >= _REMEMBERED:
            _FEEDS_IN.pop(next(iter(_FEEDS_IN)))
        _FEEDS_IN[key] = _feeds_in(name, body, limits)
    return _FEEDS_IN[key]


def _feeds_in(name: str, body: bytes, limits: Limits) -> frozenset[str] | None:
    if kind_of(body) not in ("text", "xlsx"):
        return None
    bounds = limits.of("*", "*")
    try:
        require_within(name, body, bounds)
        found = read_records(body, Reader("", UNITS, bounds.rows), limits.sheet)
    except PayloadError:
        return frozenset()  # the source that takes the file will say what is wrong with it
    return frozenset(feed for row in found.rows if (feed := _spoken_of(str(row.get("series_name") or row.get("series_id") or ""))))


def _spoken_of(text: str) -> str | None:
    return next((feed for feed, words in SPEAKS_OF.items() if words.search(text)), None)


def _require(rows: Sequence[dict[str, Any]], named: str) -> set[str]:
    """Complete what a row does not say itself, and give the providers; raises PayloadError where unit, provider or id cannot be trusted.

    A line without a day is no row of a series: it goes its own way, and refuses no file.
    """
    providers = set()
    wrong = ""
    for row in rows:
        line = row["_line"]
        is_stated = "provider" in row
        text = str(row.get("provider") or "")
        provider = provider_of(text) if is_stated else named
        # A share is printed with its unit: 81.23%.
        unit = str(row.get("unit") or "") or ("%" if str(row.get("single") or row.get("average") or "").endswith(("%", "％")) else "")
        series_id = _id(str(row["series_id"] if "series_id" in row else row["series_name"]))
        row |= {"provider": provider, "unit": unit, "series_id": series_id, "series_name": row.get("series_name") or series_id}
        if not values.looks_like_a_value(str(row["obs_date"])):
            continue
        if _unit(unit) not in UNITS:
            raise PayloadError(Outcome.FORMAT_CHANGED, "unknown_unit", f"{line}: unit {unit!r} is not one of {', '.join(UNITS)}")
        if not provider and not is_stated:
            raise PayloadError(
                Outcome.FORMAT_CHANGED,
                "missing_column",
                "neither the file nor its name says whose figures these are; add a column 数据来源, or begin the name with the provider: smm_spot_price_20250722.csv",
            )
        if not provider or not _PLAIN_PROVIDER.fullmatch(provider):
            row["provider"] = text  # as printed, for the row's own refusal
            wrong = f"{line}: source {text!r} is none that is known; write the provider's letters, such as {', '.join(PROVIDERS)}"
            continue
        if not series_id or _SCIENTIFIC.fullmatch(series_id):
            raise PayloadError(
                Outcome.NOT_DATA,
                "mangled_series_id",
                f"{line}: series id {series_id!r} was mangled by a spreadsheet, which keeps 15 digits of a number; "
                "format the column of ids as text, export it again and drop it again",
            )
        providers.add(provider)
    if wrong and not providers:
        raise PayloadError(Outcome.NOT_DATA, "unknown_provider", wrong)
    return providers


def _id(text: str) -> str:
    """Give an id as it is compared: full-width letters are half-width ones, and the apostrophe by which people keep a number text is not of it."""
    return values.plain(tidy(text)).removeprefix("'") if len(text) <= values.LONGEST else text


def _figure(text: str | None, unit: str) -> float | None:
    """Read a figure; raises ValueError where it is printed as a percentage of something else than a share."""
    if text in values.MISSING:
        return None
    if text and text.endswith(("%", "％")):
        if unit != "ratio":
            raise ValueError(f"{text!r} is a percentage, and the unit of the row is not %")
        text = text[:-1]
    return values.number(text)


def provider_of(text: str) -> str:
    """Name a provider as the warehouse does: `上海有色网` and `smm` are SMM."""
    return _PROVIDER_OF.get(heading(text), text.upper())


def provider_in(name: str) -> str:
    """Give the provider a file's name begins with or speaks of, "" where it is none."""
    if (match := NAME.search(name)) and match["feed"] in SPEAKS_OF:
        return match["provider"].upper()
    said = heading(name)
    spoken_of = [(said.find(word), -len(word), provider) for word, provider in _PROVIDER_OF.items() if word in said]
    return min(spoken_of)[2] if spoken_of else ""


def grids(body: bytes, limits: sheet.Limits) -> tuple[list[tuple[str, list[Line]]], list[str]]:
    """Give the lines of a CSV file, or of each visible sheet, that hold anything, with their numbers and where they stand; and what was left unread.

    Raises PayloadError when they cannot be read, or when all that holds anything is hidden.
    """
    if kind_of(body) != "xlsx":
        return [("", filled(csv_lines(body)))], []
    book = sheet.read(body, limits)
    hidden = [one.name for one in book if one.is_hidden]
    visible = [one for one in book if any(any(map(str.strip, row)) for row in one.rows)]
    if hidden and not visible:
        raise PayloadError(
            Outcome.NOT_DATA,
            "hidden_sheets",
            f"what the workbook holds is on hidden sheets ({', '.join(hidden)}), which are not read; unhide the one that is meant and drop the file again",
        )
    where = [f"sheet {one.name}, " if len(visible) > 1 else "" for one in visible]
    remarks = [f"hidden_sheet: sheet {name} is hidden and was not read" for name in hidden]
    found = [(place, filled(enumerate(one.rows, start=1))) for place, one in zip(where, visible, strict=True)]
    return found or [("", filled([]))], remarks


def read_records(body: bytes, reader: Reader, limits: sheet.Limits) -> Records:
    """Read every table of a file; raises PayloadError where there is none, or where one cannot be trusted."""
    parts, remarks = grids(body, limits)
    found, without = Records(remarks=remarks), []
    for where, lines in parts:
        try:
            records = reader.read(lines)
        except PayloadError as error:
            raise PayloadError(error.verdict.outcome, error.verdict.reason, f"{where}{error.verdict.message}") from None
        if records is None:
            without.append(where)
            continue
        for row in records.rows:
            row["_line"] = f"{where}{row['_line']}"
        found.rows += records.rows
        found.rejects += [Reject(one.table, one.reason, f"{where}{one.message}", one.row) for one in records.rejects]
        found.remarks += [remark for remark in records.remarks if remark not in found.remarks]
    if len(without) == len(parts):
        raise no_table(parts[0][1])
    found.remarks += [f"no_table: {where.rstrip(', ')} holds no table of the contract and was not read" for where in without]
    return found


def _unit(text: str) -> str:
    return values.plain(tidy(text)) if len(text) <= values.LONGEST else text


def _basis(printed: str, unit: str) -> str | None:
    """Keep what the row says of its basis, with the moisture its unit names (美元/干吨); raises ValueError when the two contradict."""
    moisture, said = _MOISTURE.search(unit), _MOISTURE.search(printed)
    if moisture and said and moisture[0] != said[0]:
        raise ValueError(f"basis_contradicts_unit: {printed!r} in {unit}")
    return ";".join(part for part in (printed, f"{moisture[0]}吨" if moisture and not said else "") if part) or None
