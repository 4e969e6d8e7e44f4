"""Reading a note's claims: one row a claim, judged before anything is done with it. The form is described in `docs/claims.md`."""

import contextlib
import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.catalog.calendar import Calendar, CalendarHorizonError
from ingest.table import repeats
from ingest.values import iso_day
from serving.research.audit.interval import Interval

if TYPE_CHECKING:
    from serving.research.audit.meanings import Catalog

COLUMNS = (
    "claim_id", "section", "quote_zh", "kind", "metric", "entity", "period", "price_basis", "cmp", "value", "value_high", "unit", "direction",
)  # fmt: skip
KINDS = ("quantity", "change", "state", "event", "judgement", "conditional", "static", "duplicate")
COMPARATORS = ("", "eq", "gt", "ge", "lt", "le", "approx", "range")
FILE_LIMIT, FIELD_LIMIT, ROW_LIMIT = 4 * 2**20, 2000, 5000
FORMULA_SIGNS = ("=", "+", "-", "@", "\t")
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,10})?")
_HEADING = re.compile(r"#\s*(publisher|title|as_of|commodity)\s*:\s*(.+?)\s*,*")
_DAYLESS = re.compile(r"structural|forward_.*|\d{4}-\d{2}")
_PRINTED = re.compile(r"\d+(?:\.\d+)?")


class ClaimsError(ValueError):
    """The claims file cannot be audited; the message names file, row and field."""


@dataclass(frozen=True)
class Period:
    """What a claim speaks of: days from `start` to `end`, or a month, or the night session of a trade date."""

    start: date
    end: date
    is_month: bool = False
    night: date | None = None
    """Calendar day on whose evening the night session began; `end` is its trade date."""
    stated_trade_date: date | None = None


@dataclass(frozen=True)
class Claim:
    """One claim of a note."""

    claim_id: str
    section: str
    quote: str
    kind: str
    metric: str
    entity: str
    period: Period
    price_basis: str
    cmp: str
    value: Fraction | None
    value_high: Fraction | None
    half_unit: Fraction
    """Half a unit of the last digit the note prints."""
    unit: str
    direction: str
    period_text: str = ""
    claimed_text: str = ""

    @property
    def stated(self) -> Interval | None:
        """Everything the claimed figure stands for."""
        if self.value is None:
            return None
        high = self.value if self.value_high is None else self.value_high
        return Interval(self.value - self.half_unit, high + self.half_unit)


@dataclass(frozen=True)
class Note:
    """A note's claims and whose they are."""

    name: str
    publisher: str | None
    as_of: date
    commodity: str
    claims: tuple[Claim, ...]


def read_note(path: Path, catalog: "Catalog", calendar: Calendar, *, publisher: str | None = None) -> Note:
    """Read and check a claims file; raises ClaimsError with one sentence naming file, row and field."""
    rows, heading = _rows(path)
    heading = {"publisher": publisher, **heading} if publisher is None else {**heading, "publisher": publisher}
    texts = [row["period"] for _, row in rows]
    as_of = _as_of(path, heading.get("as_of"), texts)
    claims = tuple(_claim(path, number, row, as_of, catalog, calendar) for number, row in rows)
    seen: set[str] = set()
    for (number, _), claim in zip(rows, claims, strict=True):
        if claim.claim_id in seen:
            raise ClaimsError(f"{path.name} row {number}, claim_id: {claim.claim_id} stands twice")
        seen.add(claim.claim_id)
    commodity = heading.get("commodity") or _most_named(claims, catalog)
    if commodity not in catalog.commodities:
        raise ClaimsError(f"{path.name}, heading commodity: {_short(commodity)} is not a commodity of the catalogue")
    return Note(path.name, heading.get("publisher"), as_of, commodity, claims)


def _rows(path: Path) -> tuple[list[tuple[int, dict[str, str]]], dict[str, str | None]]:
    if not path.is_file():
        raise ClaimsError(f"{path.name}: there is no such file")
    if path.stat().st_size > FILE_LIMIT:
        raise ClaimsError(f"{path.name}: the file is larger than {FILE_LIMIT >> 20} MB")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClaimsError(f"{path.name}: byte {error.start} is not UTF-8; save the file as CSV UTF-8") from None
    if "\x00" in text:
        raise ClaimsError(f"{path.name}: the file holds a zero byte; it is not a text")
    lines, heading, skipped = text.splitlines(keepends=True), dict[str, str | None](), 0
    while skipped < len(lines) and lines[skipped].lstrip('"').startswith("#"):
        if match := _HEADING.fullmatch(lines[skipped].strip().strip('"')):
            heading[match[1]] = match[2]
        skipped += 1
    reader = csv.reader(io.StringIO("".join(lines[skipped:]), newline=""), strict=True)
    try:
        table = [(skipped + reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        reason = f"a field is longer than {FIELD_LIMIT} characters" if "field larger" in str(error) else str(error)
        raise ClaimsError(f"{path.name} row {skipped + reader.line_num}: the file is not CSV: {reason}") from None
    if not table:
        raise ClaimsError(f"{path.name}: the file is empty")
    header = [name.strip() for name in table[0][1]]
    if missing := [name for name in COLUMNS if name not in header]:
        raise ClaimsError(f"{path.name}, header: column {', '.join(missing)} is missing")
    if repeated := repeats(header):
        raise ClaimsError(f"{path.name}, header: column {', '.join(map(_short, repeated))} stands twice")
    if len(table) == 1:
        raise ClaimsError(f"{path.name}: the file has a header and no claim")
    if len(table) > ROW_LIMIT:
        raise ClaimsError(f"{path.name}: more than {ROW_LIMIT} claims")
    rows = []
    for number, cells in table[1:]:
        if len(cells) != len(header):
            raise ClaimsError(f"{path.name} row {number}: {len(cells)} fields, the header has {len(header)}")
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if name in COLUMNS}
        for name, cell in row.items():
            _check_text(path, number, name, cell)
        rows.append((number, row))
    return rows, heading


def _check_text(path: Path, number: int, name: str, cell: str) -> None:
    where = f"{path.name} row {number}, {name}"
    if len(cell) > FIELD_LIMIT:
        raise ClaimsError(f"{where}: {len(cell)} characters, at most {FIELD_LIMIT} are read")
    if name not in ("value", "value_high") and cell.startswith(FORMULA_SIGNS):
        raise ClaimsError(f"{where}: {_short(cell)} begins like a formula, which a spreadsheet would run")
    if any(ord(sign) < 32 for sign in cell):
        raise ClaimsError(f"{where}: the text holds a control character")


def _claim(path: Path, number: int, row: Mapping[str, str], as_of: date, catalog: "Catalog", calendar: Calendar) -> Claim:
    def wrong(name: str, reason: str) -> ClaimsError:
        return ClaimsError(f"{path.name} row {number}, {name}: {reason}")

    for name in ("claim_id", "kind", "metric", "period"):
        if not row[name]:
            raise wrong(name, "the field is blank")
    for name, allowed in (("kind", KINDS), ("cmp", COMPARATORS)):
        if row[name] not in allowed:
            raise wrong(name, f"{_short(row[name])} is not one of {', '.join(word for word in allowed if word)}")
    metric = catalog.metrics.get(row["metric"])
    if metric is None:
        raise wrong("metric", f"{_short(row['metric'])} is unknown; docs/claims.md says how to add a metric")
    if row["unit"] and row["unit"] not in catalog.units:
        raise wrong("unit", f"{_short(row['unit'])} is unknown; units are {', '.join(sorted(catalog.units))}")
    numbers: dict[str, Fraction | None] = {}
    for name in ("value", "value_high"):
        if row[name] and not _NUMBER.fullmatch(row[name]):
            raise wrong(name, f"{_short(row[name])} is not a number")
        numbers[name] = Fraction(Decimal(row[name])) if row[name] else None
    low, high = numbers["value"], numbers["value_high"]
    if (row["cmp"] == "range") != (high is not None):
        raise wrong("value_high", "a range needs value and value_high, and only a range has value_high")
    if row["cmp"] and low is None:
        raise wrong("value", f"comparator {row['cmp']} needs a value")
    if low is not None and high is not None and low > high:
        raise wrong("value_high", "value_high is below value")
    try:
        period = parse_period(row["period"], as_of, calendar)
    except (ValueError, CalendarHorizonError) as error:
        raise wrong("period", str(error)) from None
    if not calendar.first_day <= period.start <= period.end <= calendar.last_day:
        raise wrong("period", f"{row['period']} is outside the trading calendar, {calendar.first_day} to {calendar.last_day}")
    stated = (row["cmp"], row["value"], f"to {row['value_high']}" if row["value_high"] else "", row["unit"])
    figure = " ".join(part for part in stated if part) if row["value"] else ""
    return Claim(
        row["claim_id"], row["section"], row["quote_zh"], row["kind"], row["metric"], row["entity"], period, row["price_basis"], row["cmp"],
        low, high, half_unit(row["value"], row["quote_zh"]), row["unit"], row["direction"], row["period"], figure or row["direction"],
    )  # fmt: skip


def parse_period(text: str, as_of: date, calendar: Calendar) -> Period:
    """Read a period; raises ValueError for what is none. Outlooks and structure are looked at on the day of the note."""
    if text == "structural" or text.startswith("forward_"):
        return Period(as_of, as_of)
    if match := re.fullmatch(r"NS (\S+)(?: \(trade_date (\S+)\))?", text):
        evening = _day(match[1])
        following = calendar.night_of(evening)
        if following is None:
            raise ValueError(f"there is no night session on the evening of {evening}")
        return Period(following, following, night=evening, stated_trade_date=_day(match[2]) if match[2] else None)
    if re.fullmatch(r"\d{4}-\d{2}", text):
        first = _day(f"{text}-01")
        return Period(first, first, is_month=True)
    if match := re.fullmatch(r"week to (\S+)", text):
        return Period(_day(match[1]), _day(match[1]))
    start, _, end = text.partition("/")
    first, last = _day(start), _day(end or start)
    if first > last:
        raise ValueError(f"{text} ends before it begins")
    return Period(first, last)


def half_unit(value: str, quote: str) -> Fraction:
    """Give half a unit of the last digit the note prints: of the figure in the quote with the same digits, else of the value as written.

    `9385万吨` claimed as 93850 kt is good to 5 kt, `10.1万吨` claimed as 101 kt to 0.5 kt.
    """
    if not value:
        return Fraction(0)
    figure = abs(Decimal(value))
    for printed in _PRINTED.findall(quote):
        number = Decimal(printed)
        if number and figure and _digits(number) == _digits(figure):
            return Fraction(figure) / Fraction(number) * Fraction(1, 2 * 10 ** len(printed.partition(".")[2]))
    return Fraction(1, 2 * 10 ** len(value.partition(".")[2]))


def _digits(number: Decimal) -> str:
    return "".join(map(str, number.as_tuple().digits)).strip("0")


def _day(text: str) -> date:
    try:
        return iso_day(text)
    except ValueError:
        raise ValueError(
            f"{_short(text)} is not a period; write 2025-07-22, 2025-07-18/2025-07-22, 2025-06, NS 2025-07-18, week to 2025-07-17, structural or forward_short"
        ) from None


def _as_of(path: Path, text: str | None, periods: list[str]) -> date:
    if text:
        try:
            return iso_day(text)
        except ValueError:
            raise ClaimsError(f"{path.name}, heading as_of: {_short(text)} is not a day; write it as 2025-07-22") from None
    days = []
    for found in re.findall(r"\d{4}-\d{2}-\d{2}", " ".join(periods)):
        with contextlib.suppress(ValueError):  # the row's own check names it
            days.append(date.fromisoformat(found))
    if not days and all(_DAYLESS.fullmatch(period) for period in periods):
        raise ClaimsError(f"{path.name}: no claim names a day; state the note's day in a first line `# as_of: 2025-07-22`")
    return max(days, default=date.min)  # without a day some period is none, which its row's own check says


def _most_named(claims: tuple[Claim, ...], catalog: "Catalog") -> str:
    named = [code for claim in claims if (code := catalog.commodity_in(claim.entity))]
    return max(sorted(set(named)), key=named.count) if named else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
