"""What each file of the catalogue holds, as models: keys, types, units, and what may not contradict within a file.

Score and rules have a page of their own (`scoring`), the metrics of claims too (`metrics`). What one file says of another is held in
`references`. The keys are those of TOML; each shipped file explains its own.
"""

import re
from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from ingest.catalog.notice import closed_spans
from quality.typed import Day, Document, Entry, NotNegative, Number, Positive, Text, Wrong, repeated, unknown

Label = Literal["sourced", "assumed"]
Region = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
CommodityCode = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*$")]
ForAll = Literal["*"]
ProductId = Annotated[str, Field(pattern=r"^[a-z]+$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
# Of what a lot can hold, in its own unit. The largest lots listed in China are 1,000 barrels of oil and 1,000 grams of gold.
LotSize = Annotated[Positive, Field(le=1000)]
Sign = Literal[1, -1]
# From what data: public exchange files alone, or with vendors, customs and policy.
Profile = Literal["exchange", "full"]
Kind = Literal["supply", "ore", "stock", "price"]
# Terms that may lie on either side of zero; all others are amounts, shares and counts.
SIGNED_TERMS = ("region_premium_cny_t", "brand_premium_cny_t")


def _minute(value: Any) -> int:
    match = re.fullmatch(r"(\d{1,2}):([0-5]\d)", value) if isinstance(value, str) else None
    if not match or (minute := int(match[1]) * 60 + int(match[2])) > 24 * 60:
        raise ValueError(f"{value!r} is not a time of day HH:MM")
    return minute


def _month(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value):
        raise ValueError(f"{value!r} is not a month such as 2025-07")
    return date.fromisoformat(f"{value}-01")


def _span(value: Any) -> Any:
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:/(\d{4}-\d\d-\d\d))?", value) if isinstance(value, str) else None
    try:
        first, last = (date.fromisoformat(day) for day in (match[1], match[2] or match[1])) if match else (None, None)
    except ValueError:
        first = last = None
    if first is None or last is None or last < first:
        raise ValueError(f"{value!r} is neither a day such as 2025-07-01 nor a span such as 2025-10-01/2025-10-07")
    return (first, last)


def _moment(value: Any) -> Any:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"{value!r} is not a time with its offset such as 2025-07-16T09:30:00+08:00")
    return value


def _hs_code(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"(\d\d){2,4}", value):
        raise ValueError(f"{value!r} is not an HS code of 4, 6 or 8 digits, in quotes")
    return value


Minute = Annotated[int, BeforeValidator(_minute), WithJsonSchema({"type": "string", "pattern": r"^\d{1,2}:[0-5]\d$"})]
"""A time of day, HH:MM, as minutes after midnight; 24:00 is the end of the day."""
Month = Annotated[date, BeforeValidator(_month), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])$"})]
"""A month, YYYY-MM, as its first day."""
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
"""A time with its offset, 2025-07-16T09:30:00+08:00."""
Span = Annotated[tuple[date, date], BeforeValidator(_span), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d\d-\d\d(/\d{4}-\d\d-\d\d)?$"})]
"""First and last of some days, written as one day or as first/last."""
HsCode = Annotated[str, BeforeValidator(_hs_code), WithJsonSchema({"type": "string", "pattern": r"^(\d\d){2,4}$"})]

# ---------------------------------------------------------------- days and hours


class Fixings(Entry):
    """Days on which CFETS differs from the exchanges."""

    open: list[Day] = []
    closed: list[Day] = []


class Holidays(Entry):
    """Public holidays of China that move with the sun and the moon, a day a year."""

    spring_festival: Annotated[list[Day], Field(min_length=1)]
    tomb_sweeping: Annotated[list[Day], Field(min_length=1)]
    dragon_boat: Annotated[list[Day], Field(min_length=1)]
    mid_autumn: Annotated[list[Day], Field(min_length=1)]


class CalendarFile(Document):
    """`calendar.toml`: the days the exchanges are closed. The operator's extends the shipped one, so each part may be left out."""

    first_day: Day | None = None
    last_day: Day | None = None
    always_known_until: Day | None = None
    closures: dict[str, list[Span]] = {}
    notices: dict[str, Text] = {}
    fixings: Fixings = Fixings()
    holidays: Holidays | None = None
    trades_on_holidays: list[Day] = []

    @property
    def spans(self) -> dict[str, list[Span]]:
        """The closures of each year, with those its notice names."""
        years = {*self.closures, *self.notices}
        return {year: [*self.closures.get(year, []), *(closed_spans(year, self.notices[year]) if year in self.notices else [])] for year in years}

    def contradictions(self) -> Iterator[Wrong]:
        """Hold each closure against the year it stands under, and read each notice."""
        for year, text in self.notices.items():
            if not re.fullmatch(r"\d{4}", year):
                yield ("notices", year), f"{year!r} is not a year"
                continue
            try:
                closed_spans(year, text)
            except ValueError as error:
                yield ("notices", year), str(error)
        for year, spans in self.closures.items():
            if not re.fullmatch(r"\d{4}", year):
                yield ("closures", year), f"{year!r} is not a year"
            elif not spans:
                yield ("closures", year), f"the closures of {year} are missing; no year is free of holidays"
            for number, (first, last) in enumerate(spans):
                if re.fullmatch(r"\d{4}", year) and {first.year, last.year} != {int(year)}:
                    yield ("closures", year, number), f"{first} to {last} does not lie in {year}"


class Clock(Entry):
    """When the facts of a dataset can be known, on the day they are about or some days after it."""

    dataset: Text
    day_offset: Annotated[int, Field(ge=0)]
    earliest: Minute
    latest: Minute
    grace_minutes: Annotated[int, Field(ge=0)] | None = None
    label: Label
    source: Text

    @model_validator(mode="after")
    def _in_order(self) -> "Clock":
        if self.latest < self.earliest:
            raise ValueError("latest lies before earliest")
        return self


class ClockFile(Document):
    """`clock.toml`: the publication clock."""

    grace_minutes: Annotated[int, Field(ge=0)] = 0
    clock: Annotated[list[Clock], Field(min_length=1)]

    def grace(self, row: Clock) -> int:
        """Give the minutes after `latest` from which on a row's dataset is overdue."""
        return self.grace_minutes if row.grace_minutes is None else row.grace_minutes

    def contradictions(self) -> Iterator[Wrong]:
        """Each dataset has one row."""
        return repeated("clock", self.clock, "dataset")


class Schedule(Entry):
    """One run by the clock."""

    name: Name
    on: Literal["session", "month", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    job: Literal["daily", "fit_forecast", "tidy"] = "daily"
    waits_for: list[Text] = []
    at: Minute | None = None
    margin_minutes: Annotated[int, Field(ge=0, le=240)] = 0
    again_minutes: Annotated[int, Field(ge=5, le=240)] | None = None
    hands_over_to: Name | None = None
    lookback_days: Annotated[int, Field(ge=1)] = 1
    window: dict[str, Annotated[list[Annotated[int, Field(ge=1, le=31)]], Field(min_length=2, max_length=2)]] = {}
    no_release: list[Annotated[int, Field(ge=1, le=12)]] = []
    label: Label
    source: Text

    @model_validator(mode="after")
    def _has_its_window(self) -> "Schedule":
        if bool(self.waits_for) == (self.at is not None):
            raise ValueError("waits_for names what it waits for, or at says when, where it waits for no data")
        if self.again_minutes is not None and self.on != "session":
            raise ValueError('again_minutes goes with on = "session", and only with it')
        if (self.on == "month") != ("*" in self.window):
            raise ValueError('a window with days for "*" goes with on = "month", and only with it')
        if self.no_release and self.on != "month":
            raise ValueError('no_release goes with on = "month", and only with it')
        for year, (first, last) in self.window.items():
            if not re.fullmatch(r"\*|\d{4}", year) or first > last:
                raise ValueError(f'{year} = [{first}, {last}] is not a year, or "*", and the first and last day of a month')
        return self


Most = Annotated[int, Field(ge=1)]


class FeedLimits(Entry):
    """What one payload of a feed may be; what an entry does not say is that of `*`."""

    of: Annotated[str, Field(pattern=r"^(\*|[a-z]+/(\*|[a-z_]+))$")]
    bytes: Most | None = None
    rows: Most | None = None
    cells: Most | None = None
    columns: Most | None = None
    refused_rows: Most | None = None
    label: Label
    source: Text


class Shape(Entry):
    """How a payload may be shaped: depth of JSON, bytes of a tag, rows of labels; of a text its line ends, and its lines times its longest line."""

    depth: Most
    tag_bytes: Most
    label_rows: Most
    line_ends: Most = 4_000_000
    spread_bytes: Most = 64 * 2**20
    """As many in a file an operator wrote before there were these keys."""
    label: Label
    source: Text


class TextLimits(Entry):
    """How much of a foreign text is repeated in receipts and quarantine: characters of a message and of a cell, cells of a row, characters of all rows."""

    message_characters: Most
    cell_characters: Most
    row_cells: Most
    refused_characters: Most = 16_777_216
    """So it stands in a file an operator wrote before there was this key."""
    label: Label
    source: Text


class ParserLimits(Entry):
    """What parsing one payload may cost (bytes, seconds; more with its size), and how many bytes may be made of it."""

    memory_bytes: Most
    cpu_seconds: Most
    bytes_a_second: Most
    most_cpu_seconds: Most
    wall_seconds: Positive
    answer_bytes: Most
    label: Label
    source: Text


class SheetLimits(Entry):
    """What one spreadsheet may be (parts, bytes and ratio once inflated, cells) and may cost its reader (bytes, seconds)."""

    members: Most
    inflated_bytes: Most
    ratio: Most
    cells: Most
    memory_bytes: Most
    cpu_seconds: Most
    wall_seconds: Positive
    label: Label
    source: Text


class PaperLimits(Entry):
    """What one document may be (bytes, pages, characters) and may cost its reader (bytes, seconds; of a PDF more with its size)."""

    bytes: Most
    pages: Most
    characters: Most
    memory_bytes: Most
    cpu_seconds: Most
    pdf_bytes_a_second: Most = 400_000
    html_cpu_seconds: Most = 2
    """These two stand so in a file an operator wrote before there were these keys."""
    wall_seconds: Positive
    label: Label
    source: Text


class LimitsFile(Document):
    """`limits.toml`: what a payload may be before it is parsed, and how much of it is repeated."""

    limit: Annotated[list[FeedLimits], Field(min_length=1)]
    shape: Shape
    text: TextLimits
    parser: ParserLimits | None = None
    """None, as `paper`, in a file an operator wrote before there was one: the shipped values hold."""
    sheet: SheetLimits
    paper: PaperLimits | None = None

    def contradictions(self) -> Iterator[Wrong]:
        """Each feed has one entry, and one for all the others says everything."""
        yield from repeated("limit", self.limit, "of")
        common = next((row for row in self.limit if row.of == "*"), None)
        if common is None or None in common.model_dump().values():
            yield ("limit",), 'an entry of = "*" that says bytes, rows, cells, columns and refused_rows is missing'


class Quantity(Entry):
    """What figures of one unit may be: of every series (no roles, no words), or of those with a role or a word in their name."""

    name: Name
    unit: Text
    form: Literal["level", "signed"]
    roles: list[Name] = []
    words: list[Text] = []
    lowest: Number
    highest: Number
    day_step: Positive
    most_step: Positive
    scale_ratio: Positive | None = None
    spread_multiple: NotNegative
    range_ratio: Positive | None = None
    label: Label
    source: Text

    @model_validator(mode="after")
    def _is_of_its_form(self) -> "Quantity":
        if self.highest <= self.lowest:
            raise ValueError("highest does not lie above lowest")
        if self.most_step < self.day_step:
            raise ValueError("most_step is smaller than day_step")
        if (self.form == "level") != (self.scale_ratio is not None and self.range_ratio is not None):
            raise ValueError('scale_ratio and range_ratio go with form = "level", and only with it')
        if self.form == "level" and self.lowest < 0:
            raise ValueError("a level is never below zero")
        return self


class Memory(Entry):
    """How many accepted prints of a series a new one is held against."""

    prints: Annotated[int, Field(ge=1, le=250)]
    label: Label
    source: Text


class HeldFile(Document):
    """`held.toml`: when a figure that people drop is held."""

    memory: Memory
    quantity: Annotated[list[Quantity], Field(min_length=1)]

    def contradictions(self) -> Iterator[Wrong]:
        """Each unit has one quantity for all its series; a role or a word of a unit stands in one."""
        yield from repeated("quantity", self.quantity, "name")
        seen: set[tuple[str, str]] = set()
        for number, row in enumerate(self.quantity):
            for key, matches in (("roles", row.roles), ("words", row.words), ("unit", [] if row.roles or row.words else ["*"])):
                for match in matches:
                    if (row.unit, match) in seen:
                        told = f"{match} of {row.unit}" if match != "*" else f"every other series in {row.unit}"
                        yield ("quantity", number, key), f"{told} stands in an earlier entry already"
                    seen.add((row.unit, match))
        for number, row in enumerate(self.quantity):
            if (row.unit, "*") not in seen:
                yield ("quantity", number, "unit"), f"no entry without roles and words says what every other series in {row.unit} may be"


class Review(Entry):
    """What a person said of one held figure."""

    id: Annotated[str, Field(pattern=r"^H[0-9a-f]{10}$")]
    verdict: Literal["accept", "reject"]
    reason: Text
    at: Moment


class ReviewsFile(Document):
    """`reviews.toml`: held figures that people accepted or rejected; `alumina review` writes the home's."""

    review: list[Review] = []

    def contradictions(self) -> Iterator[Wrong]:
        """Of each figure there is one word."""
        return repeated("review", self.review, "id")


class Asking(Entry):
    """When a feed or a host that gives no answer is left alone for the rest of a run: after so many silences in a row."""

    silent_after: Most
    label: Label
    source: Text


class FirstPace(Entry):
    """How long a request of a backfill takes, before any was timed."""

    seconds_a_request: Annotated[float, Field(gt=0)]
    label: Label
    source: Text


class FeedLoss(Entry):
    """What is lost while a feed (`source/feed`) stays away, in words."""

    of: Annotated[str, Field(pattern=r"^[a-z]+/[a-z_]+$")]
    without_it: Text


class FeedsFile(Document):
    """`feeds.toml`: what each feed is needed for, gravest first, and when a silent one is left alone."""

    asking: Asking
    backfill: FirstPace | None = None
    """Of a home's own file without one the shipped one counts."""
    feed: Annotated[list[FeedLoss], Field(min_length=1)]

    def contradictions(self) -> Iterator[Wrong]:
        """Each feed has one entry."""
        return repeated("feed", self.feed, "of")


Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


class AlertKind(Entry):
    """One kind of thing people are told of, and how grave it is."""

    kind: Name
    severity: Severity
    zh: Text
    en: Text


class AlertRoute(Entry):
    """Who hears of what."""

    name: Name
    least: Severity
    kinds: list[Name] = []
    about: list[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*(/[a-z0-9_]+)?$")]] = []
    """A source (`shfe`), a feed of one (`shfe/kx`), a raw table (`shfe__daily_quotes`) or a commodity (`AO`): only what concerns one of these."""

    def concerns(self, subjects: Collection[str]) -> bool:
        """Tell whether it hears of any of these; of a feed who hears of its source does, too."""
        own = {*subjects, *(subject.partition("/")[0] for subject in subjects)}
        return not self.about or not own.isdisjoint(self.about)


class AlertsFile(Document):
    """`alerts.toml`: what people are told of, how grave it is, and who hears of it."""

    alert: Annotated[list[AlertKind], Field(min_length=1)]
    route: list[AlertRoute] = []

    def contradictions(self) -> Iterator[Wrong]:
        """Each kind and each route stands once, and a route hears of kinds there are."""
        yield from repeated("alert", self.alert, "kind")
        yield from repeated("route", self.route, "name")
        known = {row.kind for row in self.alert}
        for number, row in enumerate(self.route):
            for place, kind in enumerate(row.kinds):
                if kind not in known:
                    yield ("route", number, "kinds", place), unknown("kind of alert", kind, known)

    def hearing(self, kind: str, subjects: Collection[str] = ()) -> list[str]:
        """Name the routes that hear of a kind where it concerns these subjects."""
        severity = next((row.severity for row in self.alert if row.kind == kind), "error")
        grave = SEVERITIES.index(severity)
        return [
            row.name for row in self.route if SEVERITIES.index(row.least) <= grave and (not row.kinds or kind in row.kinds) and row.concerns(subjects)
        ]


class Licence(Entry):
    """On what terms a source may be used."""

    of: Name
    licence: Text
    may_redistribute: bool
    label: Label
    source: Text


class LicencesFile(Document):
    """`licences.toml`: on what terms each source may be used, and whether its figures may be passed on."""

    licence: Annotated[list[Licence], Field(min_length=1)]

    def contradictions(self) -> Iterator[Wrong]:
        """Each source stands once."""
        return repeated("licence", self.licence, "of")


class Keep(Entry):
    """How long one kind of record is kept."""

    of: Literal["runs", "events", "logs", "failures", "unfinished"]
    days: Annotated[int, Field(ge=1)]
    least: Annotated[int, Field(ge=0)]
    label: Label
    source: Text


class Compaction(Entry):
    """From when on the working warehouse is written anew."""

    compact_beyond: Annotated[Number, Field(gt=1)]
    label: Label
    source: Text


class RetentionFile(Document):
    """`retention.toml`: how long a home keeps what it writes beside its data."""

    keep: Annotated[list[Keep], Field(min_length=1)]
    warehouse: Compaction

    def contradictions(self) -> Iterator[Wrong]:
        """Each kind stands once, and no run goes before its events."""
        yield from repeated("keep", self.keep, "of")
        of = {row.of: row for row in self.keep}
        if "runs" in of and "events" in of and (of["runs"].days < of["events"].days or of["runs"].least < of["events"].least):
            yield ("keep",), "events are kept longer than the runs they belong to"


class PublishedBounds(Entry):
    """Between which figures published columns must lie, by name or by the end of their name."""

    columns: list[Name] = []
    endings: list[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]] = []
    lowest: Number
    highest: Number
    label: Label
    source: Text

    @model_validator(mode="after")
    def _speaks_of_columns(self) -> "PublishedBounds":
        if not self.columns and not self.endings:
            raise ValueError("columns or endings are missing")
        if self.highest <= self.lowest:
            raise ValueError("highest does not lie above lowest")
        return self


class PublishedFile(Document):
    """`published.toml`: what the release gate refuses."""

    not_judged: list[Annotated[str, Field(pattern=r"^(marts|serving)\.[a-z0-9_]+$")]] = []
    bounds: Annotated[list[PublishedBounds], Field(min_length=1)]

    def contradictions(self) -> Iterator[Wrong]:
        """A column or an ending stands in one entry."""
        seen: set[str] = set()
        for number, row in enumerate(self.bounds):
            for key, names in (("columns", row.columns), ("endings", [f"…{ending}" for ending in row.endings])):
                for name in names:
                    if name in seen:
                        yield ("bounds", number, key), f"{name} has bounds in an earlier entry already"
                    seen.add(name)

    def of(self, column: str) -> PublishedBounds | None:
        """Give the bounds of a column: those of its name, else of the longest ending it has."""
        if named := next((row for row in self.bounds if column in row.columns), None):
            return named
        fitting = [(len(ending), row) for row in self.bounds for ending in row.endings if column.endswith(ending)]
        return max(fitting, key=lambda found: found[0])[1] if fitting else None


class Freshness(Entry):
    """From when on a release is late."""

    after: Name
    grace_minutes: Annotated[int, Field(ge=0)]
    label: Label
    source: Text


class ScheduleFile(Document):
    """`schedule.toml`: when the machine runs by itself."""

    schedule: Annotated[list[Schedule], Field(min_length=1)]
    freshness: Freshness

    def contradictions(self) -> Iterator[Wrong]:
        """Names are told apart, and freshness follows a schedule there is."""
        yield from repeated("schedule", self.schedule, "name")
        by_name = {row.name: row for row in self.schedule}
        if self.freshness.after not in by_name:
            yield ("freshness", "after"), unknown("schedule", self.freshness.after, by_name)
        for number, row in enumerate(self.schedule):
            if row.hands_over_to is None:
                continue
            place = ("schedule", number, "hands_over_to")
            if row.hands_over_to not in by_name:
                yield place, unknown("schedule", row.hands_over_to, by_name)
            elif left := sorted(set(row.waits_for) - set(by_name[row.hands_over_to].waits_for)):
                yield place, f"{row.hands_over_to} does not wait for {', '.join(left)}"


class Timetable(Entry):
    """When each month's figures of a dataset came out."""

    dataset: Text
    at: Minute
    label: Label
    source: Text
    released: Annotated[dict[Month, Day], Field(min_length=1)]

    @model_validator(mode="after")
    def _after_the_month(self) -> "Timetable":
        for month, day in self.released.items():
            if (day.year, day.month) <= (month.year, month.month):
                raise ValueError(f"figures of {month:%Y-%m} cannot have come out on {day}")
        return self


class ReleasesFile(Document):
    """`releases.toml`: timetables of dated releases."""

    timetable: Annotated[list[Timetable], Field(min_length=1)]

    def contradictions(self) -> Iterator[Wrong]:
        """Each month of a dataset comes out once."""
        seen: set[tuple[str, date]] = set()
        for number, table in enumerate(self.timetable):
            for month in table.released:
                if (table.dataset, month) in seen:
                    yield (
                        ("timetable", number, "released", f"{month:%Y-%m}"),
                        f"{month:%Y-%m} of {table.dataset} stands in an earlier timetable already",
                    )
                seen.add((table.dataset, month))


# ---------------------------------------------------------------- markets


class RegionNames(Entry):
    """A region as payloads print it, and in English."""

    zh: Text
    en: Text


class RegionsFile(Document):
    """`regions.toml`."""

    regions: Annotated[dict[Region, RegionNames], Field(min_length=1)]

    def contradictions(self) -> Iterator[Wrong]:
        """A printed name has one code."""
        seen: dict[str, str] = {}
        for code, names in self.regions.items():
            if seen.setdefault(names.zh, code) != code:
                yield ("regions", code, "zh"), f"{names.zh} is the region {seen[names.zh]!r} already"


class Contract(Entry):
    """What one lot of a product holds, and its tick."""

    size: LotSize
    tick: Positive
    unit: Literal["t", "kg", "g", "bbl", "point"] = "t"
    sector: Name


class Exchange(Entry):
    """Products of an exchange."""

    products: dict[ProductId, Text] = {}
    aliases: dict[Text, ProductId] = {}
    contracts_valid_from: Day
    contracts_source: Text
    settlement: Literal["floor", "nearest"] = "floor"
    turnover_step_cny: NotNegative = 0.0
    contracts: dict[ProductId, Contract] = {}


class ExchangesFile(Document):
    """`exchanges.toml`, exchange by exchange in lower case: those whose payloads the warehouse reads."""

    shfe: Exchange
    ine: Exchange | None = None
    gfex: Exchange | None = None
    czce: Exchange | None = None

    @property
    def exchanges(self) -> dict[str, Exchange]:
        """The exchanges by their names."""
        said = {"shfe": self.shfe, "ine": self.ine, "gfex": self.gfex, "czce": self.czce}
        return {name.upper(): exchange for name, exchange in said.items() if exchange}

    def contradictions(self) -> Iterator[Wrong]:
        """A printed name means one product, and an alias one there is."""
        for name, exchange in self.exchanges.items():
            place, seen = name.lower(), dict[str, str]()
            for code, printed in exchange.products.items():
                if seen.setdefault(printed, code) != code:
                    yield (place, "products", code), f"{printed} is the product {seen[printed]!r} already"
                if exchange.contracts and code not in exchange.contracts:
                    yield (place, "products", code), unknown("contract of product", code, exchange.contracts)
            for alias, code in exchange.aliases.items():
                if code not in exchange.products:
                    yield (place, "aliases", alias), unknown("product", code, exchange.products)


class Commodity(Entry):
    """What a commodity is."""

    commodity_code: CommodityCode
    name_en: Text
    name_zh: Text
    exchange: Literal["SHFE", "INE", "GFEX", "CZCE"]
    product_id: ProductId
    listing_date: Day
    profile: Literal["auto", "exchange", "full"] = "auto"
    source: Text


class ContractSpec(Entry):
    """Facts of the contract from a day on."""

    valid_from: Day
    contract_size_t: LotSize
    tick_cny_t: Positive
    warrant_unit_t: Positive
    last_trading_day_rule: Literal["day_of_month", "nth_session"]
    last_trading_day_value: Annotated[int, Field(ge=1, le=31)]
    source: Text


class Series(Entry):
    """A vendor's series and what it is to the commodity."""

    role: Name
    provider: Text
    series_id: Text
    region: Region
    model_id: Text | None = None
    source: Text


class MappedSeries(Series):
    """A vendor's series of a home, with the commodity it speaks of."""

    commodity: CommodityCode


class SeriesFile(Document):
    """`series.toml`: the series a home adds to those of the commodities' files."""

    series: Annotated[list[MappedSeries], Field(min_length=1)]

    def contradictions(self) -> Iterator[Wrong]:
        """Nothing is said twice."""
        return repeated("series", self.series, "series_id", "commodity", "role", "provider")


class Customs(Entry):
    """A customs code, what it is to the commodity, and what a tonne of a month's trade may cost.

    Without bounds the figures of the code are believed whatever they are.
    """

    hs_code: HsCode
    role: Literal["product", "ore"]
    lowest_usd_t: Positive | None = None
    highest_usd_t: Positive | None = None
    label: Label | None = None
    source: Text


class Bounds(Entry):
    """Between which figures the commodity's series of some roles are believed, and how far they go in a day where that is not `held.toml`'s."""

    roles: Annotated[list[Name], Field(min_length=1)]
    unit: Text
    lowest: Number
    highest: Number
    day_step: Positive | None = None
    label: Label
    source: Text

    @model_validator(mode="after")
    def _in_order(self) -> "Bounds":
        if self.highest <= self.lowest:
            raise ValueError("highest does not lie above lowest")
        return self


class Term(Entry):
    """A dated term for one scope (`value`) or for many (`values`)."""

    name: Name
    scope: Text | None = None
    valid_from: Day
    value: Number | None = None
    values: Annotated[dict[Text, Number], Field(min_length=1)] | None = None
    unit: Text
    label: Label
    source: Text

    @property
    def scopes(self) -> dict[str, float]:
        """The value of each scope; "" is all of the commodity."""
        return self.values if self.values is not None else {self.scope or "": self.value or 0.0}

    @model_validator(mode="after")
    def _says_its_value(self) -> "Term":
        if (self.value is None) == (self.values is None):
            raise ValueError("a term has either value or values, and one of them")
        if self.values is not None and self.scope is not None:
            raise ValueError("values name their scopes themselves; key scope goes with value")
        if self.name not in SIGNED_TERMS and (below := [value for value in self.scopes.values() if value < 0]):
            raise ValueError(f"value {below[0]:g} of {self.name} is below zero")
        return self


class Topic(Entry):
    """What events and news speak of, and how near that is to the commodity."""

    name: Text
    relation: Literal["commodity", "sector", "group", "economy"]
    source: Text


def _repeated_terms(terms: list[Term]) -> Iterator[Wrong]:
    seen: set[tuple[str, str, date]] = set()
    for number, term in enumerate(terms):
        for scope in term.scopes:
            if (key := (term.name, scope, term.valid_from)) in seen:
                of = f" of scope {scope!r}" if scope else ""
                yield ("term", number, "name"), f"{term.name}{of} from {term.valid_from} on stands in an earlier entry already"
            seen.add(key)


class CommodityFile(Document):
    """`commodities/*.toml`: one commodity."""

    commodity: Commodity
    contract_spec: Annotated[list[ContractSpec], Field(min_length=1)]
    customs: list[Customs] = []
    series: list[Series] = []
    bounds: list[Bounds] = []
    term: list[Term] = []
    topic: list[Topic] = []

    def contradictions(self) -> Iterator[Wrong]:
        """Nothing is said twice."""
        yield from repeated("contract_spec", self.contract_spec, "valid_from")
        yield from repeated("customs", self.customs, "hs_code")
        yield from repeated("series", self.series, "series_id", "role", "provider")
        yield from repeated("topic", self.topic, "name")
        yield from self._bounded_twice()
        yield from _repeated_terms(self.term)

    def _bounded_twice(self) -> Iterator[Wrong]:
        seen: set[tuple[str, str]] = set()
        for number, row in enumerate(self.bounds):
            for role in row.roles:
                if (role, row.unit) in seen:
                    yield ("bounds", number, "roles"), f"{role} in {row.unit} has bounds in an earlier entry already"
                seen.add((role, row.unit))


class TermsFile(Document):
    """`terms.toml`: terms that hold for every commodity without one of its own."""

    term: Annotated[list[Term], Field(min_length=1)]

    def contradictions(self) -> Iterator[Wrong]:
        """Nothing is said twice."""
        return _repeated_terms(self.term)


class Parameter(Entry):
    """A threshold or window of the models."""

    name: Name
    commodity: ForAll | CommodityCode = "*"
    value: NotNegative
    unit: Text
    source: Text


class ParametersFile(Document):
    """`parameters.toml`."""

    parameter: Annotated[list[Parameter], Field(min_length=1)]

    def contradictions(self) -> Iterator[Wrong]:
        """Nothing is said twice."""
        return repeated("parameter", self.parameter, "name", "commodity")


# ---------------------------------------------------------------- the panel of all products


class PanelHorizon(Entry):
    """A horizon of the outlook: its sessions, the part of exponential weights in its volatility, the signals of its forecast."""

    name: Name
    sessions: Annotated[int, Field(ge=1)]
    ewma_weight: Annotated[float, Field(ge=0, le=1)]
    signals: list[Literal["mom12", "carry", "bmom", "rcpt"]]
    source: Text


class EventHorizons(Entry):
    """After how many sessions the outcomes of events are taken."""

    sessions: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    source: Text


class ExpiryRule(Entry):
    """How the last trading day of a product's contracts follows from the delivery month; `*` is every product of the exchange."""

    exchange: Text
    product: ForAll | ProductId
    months_before: Annotated[int, Field(ge=0, le=12)] = 0
    rule: Literal["day_of_month", "nth_session", "last_session"]
    value: Annotated[int, Field(ge=1, le=31)]
    source: Text


class ReceiptExpiry(Entry):
    """Months at whose last session a product's older receipts are cancelled by rule."""

    exchange: Text
    product: ProductId
    months: Annotated[list[Annotated[int, Field(ge=1, le=12)]], Field(min_length=1)]
    source: Text


class PanelFile(Document):
    """`panel.toml`."""

    parameter: Annotated[list[Parameter], Field(min_length=1)]
    horizon: Annotated[list[PanelHorizon], Field(min_length=1)]
    event: EventHorizons
    last_trading_day: Annotated[list[ExpiryRule], Field(min_length=1)]
    receipt_expiry: list[ReceiptExpiry] = []

    def contradictions(self) -> Iterator[Wrong]:
        """Nothing is said twice, and what holds for the panel holds for all commodities."""
        yield from repeated("parameter", self.parameter, "name")
        yield from repeated("horizon", self.horizon, "name")
        yield from repeated("last_trading_day", self.last_trading_day, "exchange", "product")
        yield from repeated("receipt_expiry", self.receipt_expiry, "exchange", "product")
        for number, row in enumerate(self.parameter):
            if row.commodity != "*":
                yield ("parameter", number, "commodity"), "the panel is of all products; its figures hold for all commodities"


# ---------------------------------------------------------------- what if, and the words of news


class Change(Entry):
    """One kind of figure that moves: of a role, a term, or the day's receipts."""

    role: Name | None = None
    model_id: Text | None = None
    term: Name | None = None
    receipts: Literal[True] | None = None
    factor: Number

    @model_validator(mode="after")
    def _moves_one_thing(self) -> "Change":
        if sum(one is not None for one in (self.role, self.term, self.receipts)) != 1:
            raise ValueError("a change moves one thing: a role, a term, or receipts = true")
        if self.model_id is not None and self.role is None:
            raise ValueError("model_id goes with a role")
        if self.factor <= 0:
            raise ValueError(f"factor {self.factor:g} is not above zero; the sign is that of the shock")
        return self


class Shock(Entry):
    """What may be shaken."""

    name: Name
    unit: Text
    en: Text
    zh: Text
    changes: Annotated[list[Change], Field(min_length=1)]
    source: Text


class WhatifFile(Document):
    """`whatif.toml`."""

    shock: Annotated[list[Shock], Field(min_length=1)]

    def contradictions(self) -> Iterator[Wrong]:
        """Names are told apart."""
        return repeated("shock", self.shock, "name")


class Words(Entry):
    """Words of one kind and sign."""

    kind: Kind
    sign: Sign
    words: Annotated[list[Text], Field(min_length=1)]


class Link(Entry):
    """What is good or bad for a perspective; subject "" is a flash that names none."""

    subject: str
    perspective: Text
    kinds: Annotated[list[Kind], Field(min_length=1)]
    sign: Sign


class LexiconFile(Document):
    """`lexicon.toml`: the words by which the tone of news is scored."""

    version: Text
    source: Text
    window_tokens: Annotated[int, Field(ge=1)]
    negations: list[Text]
    plain: list[Text]
    degrees: dict[Text, Positive]
    subjects: dict[Text, Text]
    participants: dict[Text, Text]
    term: Annotated[list[Words], Field(min_length=1)]
    link: Annotated[list[Link], Field(min_length=1)]

    def contradictions(self) -> Iterator[Wrong]:
        """A link speaks of a subject that has a word; a word is a term once."""
        subjects = {"", *self.subjects.values()}
        for number, link in enumerate(self.link):
            if link.subject not in subjects:
                yield ("link", number, "subject"), f"{unknown('subject', link.subject, subjects - {''})}; a subject has a word in [subjects]"
        seen: set[str] = set()
        for number, words in enumerate(self.term):
            for place, word in enumerate(words.words):
                if word in seen:
                    yield ("term", number, "words", place), f"{word} is a term already"
                seen.add(word)
