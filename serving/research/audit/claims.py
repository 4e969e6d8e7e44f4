"""Reading a note's claims: one row a claim, judged before anything is done with it. The form is described in `docs/claims.md`."""

import contextlib
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.catalog.calendar import Calendar, CalendarHorizonError
from ingest.storable import storable
from ingest.table import repeats
from ingest.values import iso_day
from quality.typed import near
from serving.research.audit.entities import resolve
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
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d{1,10})?")
_HEADING = re.compile(r"#\s*(publisher|title|as_of|commodity)\s*:\s*(.+?)\s*,*")
_DAYLESS = re.compile(r"structural|forward_.*|\d{4}-\d{2}")
_PRINTED = re.compile(r"\d+(?:\.\d+)?")
_SHOWN_PROBLEMS = 3
UNMAPPED = "unmapped"
"""Metric of a claim nobody has named a metric for."""


class ClaimsError(ValueError):
    """The claims file cannot be audited; the message names file, row and field, `problems` has all of them."""

    def __init__(self, *problems: str) -> None:
        super().__init__(problems[0] if len(problems) == 1 else f"{problems[0]} (and {len(problems) - 1} more)")
        self.problems = problems


@dataclass(frozen=True)
class Period:
    """What a claim speaks of: days from `start` to `end`, or a month, or the night session of a trade date."""

    start: date
    end: date
    is_month: bool = False
    is_week: bool = False
    """A week to `end`: changes begin at the last session of the week before."""
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
    problem: str = ""
    """Why the row cannot be read; blank for a claim that can."""

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

    @property
    def problems(self) -> list[str]:
        """What is wrong with rows that could not be read; the others were."""
        return [claim.problem for claim in self.claims if claim.problem]


def read_note(path: Path, catalog: "Catalog", calendar: Calendar, *, publisher: str | None = None) -> Note:
    """Read and check a claims file: a row that cannot be read is a claim with a `problem`.

    Raises ClaimsError where the file is no claims file, or no row of it can be read; the message names file, row and field.
    """
    rows, heading = _rows(path)
    return note_of(path.name, rows, {**heading, **({} if publisher is None else {"publisher": publisher})}, catalog, calendar)


def note_of(
    name: str, rows: Sequence[tuple[int, dict[str, str], str]], heading: Mapping[str, str | None], catalog: "Catalog", calendar: Calendar
) -> Note:
    """Make a note of numbered rows, as `read_note` does."""
    as_of = _as_of(name, heading.get("as_of"), [row["period"] for _, row, _ in rows])
    claims, seen = list[Claim](), set[str]()
    for number, row, miscounted in rows:
        wrong, claim = list[str](), None
        for field, cell in row.items():
            wrong += _wrong_text(field, cell)
        if not wrong and not miscounted:
            claim = _claim(row, as_of, catalog, calendar, wrong)
        if row["claim_id"] in seen:
            wrong.append(f"claim_id: {short(row['claim_id'])} stands twice")
        seen.add(row["claim_id"])
        problem = f"{name} row {number}: {miscounted}" if miscounted else f"{name} row {number}, {'; '.join(wrong)}"
        claims.append(_unread(row, as_of, problem) if wrong or claim is None else claim)
    problems = [claim.problem for claim in claims if claim.problem]
    if len(problems) == len(claims):
        raise ClaimsError(*problems)
    commodity = heading.get("commodity") or _most_named(claims, catalog)
    if commodity not in catalog.commodities:
        raise ClaimsError(f"{name}, heading commodity: {short(commodity)} is not a commodity of the catalogue")
    return Note(storable(name), heading.get("publisher"), as_of, commodity, tuple(claims))


def _rows(path: Path) -> tuple[list[tuple[int, dict[str, str], str]], dict[str, str | None]]:
    """Give number, cells and what is wrong with their count of each row, and the heading."""
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
        raise ClaimsError(f"{path.name}, header: column {', '.join(map(short, repeated))} stands twice")
    if len(table) == 1:
        raise ClaimsError(f"{path.name}: the file has a header and no claim")
    if len(table) > ROW_LIMIT:
        raise ClaimsError(f"{path.name}: more than {ROW_LIMIT} claims")
    rows = []
    for number, cells in table[1:]:
        miscounted = ""
        if len(cells) != len(header):
            miscounted = f"{len(cells)} fields, the header has {len(header)}"
            cells = (cells + [""] * len(header))[: len(header)]
        rows.append((number, {name: _unguarded(cell.strip()) for name, cell in zip(header, cells, strict=True) if name in COLUMNS}, miscounted))
    return rows, heading


def _unguarded(cell: str) -> str:
    """Take off the apostrophe that keeps a spreadsheet from running a text, as `review.csv` has it before −14833手."""
    return cell[1:] if re.match(r"'[+-]\s*\d", cell) else cell


def _wrong_text(name: str, cell: str) -> Iterator[str]:
    if len(cell) > FIELD_LIMIT:
        yield f"{name}: {len(cell)} characters, at most {FIELD_LIMIT} are read"
    elif name not in ("value", "value_high") and cell.startswith(FORMULA_SIGNS) and not re.match(r"[+-]\s*\d", cell):
        yield f"{name}: {short(cell)} begins like a formula, which a spreadsheet would run"
    elif any(ord(sign) < 32 for sign in cell):
        yield f"{name}: the text holds a control character"


def _unread(row: Mapping[str, str], as_of: date, problem: str) -> Claim:
    cells = {name: cell[:FIELD_LIMIT] for name, cell in row.items()}
    figure = " ".join(cells[name] for name in ("value", "value_high", "unit") if cells[name])
    return Claim(
        cells["claim_id"], cells["section"], cells["quote_zh"], cells["kind"], cells["metric"], cells["entity"], Period(as_of, as_of), "", "",
        None, None, Fraction(0), cells["unit"], cells["direction"], cells["period"], figure, problem,
    )  # fmt: skip


def _claim(row: Mapping[str, str], as_of: date, catalog: "Catalog", calendar: Calendar, wrong: list[str]) -> Claim | None:
    """Read a row; what is wrong with it is added to `wrong`, and then there is no claim."""
    wrong += [f"{name}: the field is blank" for name in ("claim_id", "kind", "metric", "period") if not row[name]]
    for name, allowed in (("kind", KINDS), ("cmp", COMPARATORS)):
        if row[name] and row[name] not in allowed:
            wrong.append(f"{name}: {short(row[name])} is not one of {', '.join(word for word in allowed if word)}")
    metric = catalog.metric_named(row["metric"])
    if metric is None and row["metric"] not in ("", UNMAPPED):
        hint = near(row["metric"], (*catalog.metrics, *catalog.aliases))
        wrong.append(
            f"metric: {short(row['metric'])} is unknown{hint}; docs/claims.md says how to add a metric, `alumina audit --metrics` lists them"
        )
    figures, unit = {name: _plain(row[name]) for name in ("value", "value_high")}, row["unit"]
    if unit and catalog.unit_named(unit) is None:
        wrong.append(f"unit: {short(unit)} is unknown; units are {', '.join(sorted(catalog.units))}")
    numbers: dict[str, Fraction | None] = {}
    for name, text in figures.items():
        if text and not _NUMBER.fullmatch(text):
            wrong.append(f"{name}: {short(row[name])} is not a number")
        else:
            numbers[name] = Fraction(Decimal(text)) if text else None
    low, high = numbers.get("value"), numbers.get("value_high")
    if not wrong:
        if (row["cmp"] == "range") != (high is not None):
            wrong.append("value_high: a range needs value and value_high, and only a range has value_high")
        elif row["cmp"] and low is None:
            wrong.append(f"value: comparator {row['cmp']} needs a value")
        elif low is not None and high is not None and low > high:
            wrong.append("value_high: value_high is below value")
    try:
        period = parse_period(row["period"], as_of, calendar)
        if not calendar.first_day <= period.start <= period.end <= calendar.last_day:
            wrong.append(f"period: {row['period']} is outside the trading calendar, {calendar.first_day} to {calendar.last_day}")
    except (ValueError, CalendarHorizonError) as error:
        if row["period"]:
            wrong.append(f"period: {error}")
    if wrong:
        return None
    unit = (catalog.unit_named(unit) or "") if unit else ""
    stated = (row["cmp"], figures["value"], f"to {figures['value_high']}" if figures["value_high"] else "", unit)
    figure = " ".join(part for part in stated if part) if figures["value"] else ""
    return Claim(
        row["claim_id"], row["section"], row["quote_zh"], row["kind"], metric.name if metric else UNMAPPED, row["entity"], period,
        row["price_basis"], row["cmp"], low, high, half_unit(figures["value"], row["quote_zh"]), unit, row["direction"], row["period"],
        figure or row["direction"],
    )  # fmt: skip


def _plain(text: str) -> str:
    """Write a number as it is computed with: without separators of thousands, signs and digits of their own width, a per cent sign."""
    plain = unicodedata.normalize("NFKC", text).replace("−", "-").replace("–", "-").removesuffix("%").strip()
    return plain.replace(",", "") if _THOUSANDS.fullmatch(plain) else plain


def parse_period(text: str, as_of: date, calendar: Calendar) -> Period:
    """Read a period, in words against the note's own day; raises ValueError for what is none.

    Outlooks and structure are looked at on the day of the note.
    """
    if text == "structural" or text.startswith("forward_"):
        return Period(as_of, as_of)
    if match := re.fullmatch(r"NS (\S+)(?: \(trade_date (\S+)\))?", text):
        evening = _day(match[1], as_of, calendar)
        following = calendar.night_of(evening)
        if following is None:
            raise ValueError(f"there is no night session on the evening of {evening}")
        return Period(following, following, night=evening, stated_trade_date=_day(match[2], as_of, calendar) if match[2] else None)
    if first := _month(text, as_of):
        return Period(first, first, is_month=True)
    if match := re.fullmatch(r"week to (.+)", text):
        return _week(_day(match[1], as_of, calendar))
    if text in ("本周", "当周", "this week"):
        return _week(as_of)
    if text in ("上周", "last week"):
        return _week(as_of - timedelta(days=as_of.weekday() + 3))
    if match := re.fullmatch(r"(?:since|自)\s*(.+?)(?:以来|起)?", text):
        text = f"{match[1]}/{as_of}"
    start, separator, end = text.partition("/") if text.count("/") != 2 and text.count("/") != 5 else (text, "", "")
    if text.count("/") == 5:
        parts = text.split("/")
        start, separator, end = "/".join(parts[:3]), "/", "/".join(parts[3:])
    first_day, last_day = _day(start, as_of, calendar), _day(end if separator else start, as_of, calendar)
    if first_day > last_day:
        raise ValueError(f"{text} ends before it begins")
    return Period(first_day, last_day)


def _week(end: date) -> Period:
    return Period(end - timedelta(days=6), end, is_week=True)


def _month(text: str, as_of: date) -> date | None:
    """Give the first day of a month in words; a month without a year is the newest that has begun by the note's day."""
    if match := re.fullmatch(r"(\d{4})-(\d{2})|(\d{4})\s*年\s*(\d{1,2})\s*月份?", text):
        return _day(f"{match[1] or match[3]}-{int(match[2] or match[4]):02}-01", as_of, None)
    if match := re.fullmatch(r"(\d{1,2})\s*月份?", text):
        month = int(match[1])
        return _day(f"{as_of.year - (month > as_of.month)}-{month:02}-01", as_of, None)
    if text in ("本月", "上月"):
        first = as_of.replace(day=1)
        return first if text == "本月" else (first - timedelta(days=1)).replace(day=1)
    return None


def half_unit(value: str, quote: str) -> Fraction:
    """Give half a unit of the last digit the note prints: of the figure in the quote with the same digits, else of the value as written.

    `9385万吨` claimed as 93850 kt is good to 5 kt, `10.1万吨` claimed as 101 kt to 0.5 kt.
    """
    if not value:
        return Fraction(0)
    figure = abs(Decimal(value))
    for printed in _PRINTED.findall(re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", quote)):
        number = Decimal(printed)
        if number and figure and _digits(number) == _digits(figure):
            return Fraction(figure) / Fraction(number) * Fraction(1, 2 * 10 ** len(printed.partition(".")[2]))
    return Fraction(1, 2 * 10 ** len(value.partition(".")[2]))


def _digits(number: Decimal) -> str:
    return "".join(map(str, number.as_tuple().digits)).strip("0")


_RELATIVE = {"T": 0, "今日": 0, "今天": 0, "当日": 0, "today": 0, "昨日": 1, "昨天": 1, "前一日": 1, "前一交易日": 1, "上一交易日": 1, "yesterday": 1}
_WEEKDAYS = "一二三四五六日"


def _day(text: str, as_of: date, calendar: Calendar | None) -> date:
    """Read a day as notes write it; one in words is counted in sessions back from the note's day, or found in its week."""
    text = text.strip()
    if match := re.fullmatch(r"(\d{4})\s*[/.年]\s*(\d{1,2})\s*[/.月]\s*(\d{1,2})\s*日?", text):
        text = f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}"
    elif match := re.fullmatch(r"(\d{1,2})\s*月\s*(\d{1,2})\s*日", text):
        month = int(match[1])
        text = f"{as_of.year - (month > as_of.month)}-{month:02}-{int(match[2]):02}"
    elif match := re.fullmatch(r"(上|本|这)?(?:个)?周([一二三四五六日天])", text):
        monday = as_of - timedelta(days=as_of.weekday() + (7 if match[1] == "上" else 0))
        found = monday + timedelta(days=_WEEKDAYS.index(match[2].replace("天", "日")))
        return found if match[1] or found <= as_of else found - timedelta(days=7)
    elif calendar and (text in _RELATIVE or re.fullmatch(r"T-\d{1,2}", text)):
        back = _RELATIVE[text] if text in _RELATIVE else int(text[2:])
        sessions = calendar.between(calendar.first_day, as_of)
        if back == 0 or not sessions:
            return as_of
        before = [session for session in sessions if session < as_of]
        if back > len(before):
            raise ValueError(f"{text} is before the trading calendar")
        return before[-back]
    try:
        return iso_day(text)
    except ValueError:
        raise ValueError(
            f"{short(text)} is not a period; write 2025-07-22, 2025-07-18/2025-07-22, 2025-06, NS 2025-07-18, week to 2025-07-17, 上周五, T-1, structural or forward_short"
        ) from None


def _as_of(name: str, text: str | None, periods: list[str]) -> date:
    if text:
        try:
            return iso_day(text)
        except ValueError:
            raise ClaimsError(f"{name}, heading as_of: {short(text)} is not a day; write it as 2025-07-22") from None
    days = []
    for found in re.findall(r"\d{4}-\d{2}-\d{2}", " ".join(periods)):
        with contextlib.suppress(ValueError):  # the row's own check names it
            days.append(date.fromisoformat(found))
    if not days and all(_DAYLESS.fullmatch(period) for period in periods):
        raise ClaimsError(f"{name}: no claim names a day; state the note's day in a first line `# as_of: 2025-07-22`")
    return max(days, default=date.min)  # without a day some period is none, which its row's own check says


def _most_named(claims: Sequence[Claim], catalog: "Catalog") -> str:
    named = [code for claim in claims if not claim.problem and (code := resolve(claim.entity, catalog.lexicon, "").commodity)]
    return max(sorted(set(named)), key=named.count) if named else ""


def short(text: str) -> str:
    """Cut a foreign text to what fits into a sentence."""
    return repr(text if len(text) <= 40 else text[:40] + "…")
