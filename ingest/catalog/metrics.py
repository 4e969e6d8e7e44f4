"""What `metrics.toml` holds: units, facts and definitions of the metrics a note's claims are about. What is made of them: `serving.research.audit`."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from ingest.catalog.schemas import CommodityCode
from quality.typed import Document, Entry, Text, Wrong, repeated, unknown

FUTURES = "fct_futures_daily"
"""The mart a definition reads unless it names another."""
FUNCTIONS = (
    "start", "base", "latest", "earliest", "lowest_known", "mean", "median", "highest", "lowest", "abs", "same", "at_most", "note", "quadrant", "events",
    "industries", "stances", "followup", "first_seen",
)  # fmt: skip
"""What a formula may call."""
NAMES = ("claim", "claim_high", "contract_size_t")
"""What a formula may name beside facts and constants."""


def _fraction(value: Any) -> Fraction:
    """Read a number as it is written: 0.1 is a tenth."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number, not {value!r}")
    try:
        return Fraction(str(value))
    except ValueError:
        raise ValueError(f"{value} is not a number") from None


def _at_least(least: int, value: Fraction, *, above: bool = False) -> Fraction:
    if value < least or (above and value == least):
        raise ValueError(f"must be {'above' if above else 'at least'} {least}, not {float(value):g}")
    return value


def _expression(value: str) -> str:
    try:
        ast.parse(value, mode="eval")
    except SyntaxError as error:
        raise ValueError(f"{value!r} is not a formula: {error.msg}") from None
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{value!r} is not a pattern: {error}") from None
    return value


Exact = Annotated[Fraction, BeforeValidator(_fraction), WithJsonSchema({"type": "number"})]
ExactPositive = Annotated[Exact, AfterValidator(partial(_at_least, 0, above=True))]
ExactNotNegative = Annotated[Exact, AfterValidator(partial(_at_least, 0))]
Formula = Annotated[str, AfterValidator(_expression)]
Pattern = Annotated[Text, AfterValidator(_pattern)]


class Unit(Entry):
    """Kind of a quantity, and how many of the kind's own unit it is."""

    type: Text
    factor: ExactPositive
    words: list[Text] = []
    """How notes write it."""


class Reading(Entry):
    """What a unit of one kind also stands for: notes give a yearly capacity in tonnes."""

    of: Text
    to: Text
    factor: ExactPositive


class Name(Entry):
    """Words for a commodity of the catalogue beside its code and its names, or for what is none of them."""

    commodity: Literal[""] | CommodityCode = ""
    words: Annotated[list[Text], Field(min_length=1)]
    hs_code: str = ""
    """Customs code of what the words name, where it is not the commodity's own product."""


class Publisher(Entry):
    """The names of one publisher, in any language; `series` begins the names of its series."""

    names: Annotated[list[Text], Field(min_length=1)]
    series: str = ""


class Constant(Entry):
    """A number definitions use."""

    value: ExactNotNegative
    half_width: ExactNotNegative = Fraction(0)
    source: Text


class Fact(Entry):
    """Where a figure stands in the evidence."""

    name: Text
    dataset: Literal["daily_quotes", "bars", "vendor_series", "warehouse_receipts", "monthly_trade", "central_parity"]
    key: Text
    column: Text
    grid: Literal["session", "month", "any"] = "session"
    factor: ExactPositive = Fraction(1)
    commodity: Literal[""] | CommodityCode = ""
    """The one commodity it belongs to; blank where the key says it."""
    copy_of: str = ""


class Definition(Entry):
    """One way to read a metric: a formula over facts, a column of a mart with what it rests on, or what is missing to read it."""

    basis: str = ""
    formula: Formula | Literal[""] = ""
    label: str = ""
    zh: str = ""
    """What a Chinese reader is told instead of basis and label."""
    over: Literal["end", "each", "prints"] = "end"
    """end, each (every session of the period) or prints (every intraday print held)."""
    weak: bool = False
    """True where it can support a claim but not contradict it."""
    needs: str = ""
    vendor: str = ""
    kinds: list[Literal["quantity", "state", "change"]] = []
    night: bool | None = None
    mart: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*\.)?[a-z][a-z0-9_]*$")] | Literal[""] = ""
    """Column of a mart, `mart.column` or a column of the futures: read where there is no formula, held against it in the tests where there is one."""
    states: Mapping[str, int | str] = {}
    """What the words of the column mean: a number, or the direction a claim states."""
    rests_on: Formula | Literal[""] = ""
    unit: str = ""
    """Unit of what comes out, where it is another than the metric's: a claim is held against definitions of its own kind of unit only."""
    span: Literal["", "day", "range"] = ""
    """day: only for a claim about one day; range: only for one about more."""
    said: Pattern | Literal[""] = ""
    """Words of the quote that choose this definition before those without."""
    absence: list[Text] = []
    """Tags that say only that nothing is held: they support a claim and contradict none."""
    open_ended: bool = False
    """True for a count of events: more can have happened than are held."""

    @property
    def column(self) -> tuple[str, str]:
        """Mart and column it reads."""
        mart, dot, column = self.mart.rpartition(".")
        return (mart if dot else FUTURES), column

    @model_validator(mode="after")
    def _can_be_read(self) -> "Definition":
        if not (self.formula or self.mart or self.needs):
            raise ValueError("a definition has a formula, a mart, or says what it needs")
        return self


class Metric(Entry):
    """What a claim can be about."""

    name: Text
    unit: str = ""
    units: list[str] = []
    """The units a claim may state; `unit` alone where nothing is said."""
    definitions: list[Definition] = Field(default=[], alias="definition")
    asserts: str = ""
    """Fact a claim of this metric states."""
    neutral: Exact | None = None
    band: ExactNotNegative = Fraction(0)
    approx: ExactNotNegative | None = None
    low: Exact | None = None
    high: Exact | None = None
    is_price: bool = False
    is_receipts: bool = False
    tick_price: str = ""
    narrative: bool = False
    maps_to: str = ""
    source: str = ""
    aliases: list[Text] = []
    """Other names a claims file may use."""
    zh: str = ""
    words: list[Pattern] = []
    """Words of a text that speak of it, and those that say it is something else."""
    not_words: list[Pattern] = Field(default=[], alias="not")
    example: str = ""
    change_of: list[Text] = []
    """Metrics of whose levels it is a change: a change told after a level is one of these, by unit and period."""
    part_of: list[Text] = []
    """Metrics of whose figure it is the part of a region: a figure told for a region after one of them is this."""
    plain_unit: str = ""
    """Unit of a figure told without one, where it is not the metric's."""
    commodity: Literal[""] | CommodityCode = ""
    """The one commodity a text speaks of it for."""
    is_monthly: bool = False
    """Printed for a month."""
    is_of_range: bool = False
    """About more than one day where the words name a week."""
    negative: Pattern | Literal[""] = ""
    """Words before a figure without a sign that say it lies below zero."""
    when: Pattern | Literal[""] = ""
    """Words that choose it among the changes of one unit."""
    is_any_of: bool = False
    """True where the definitions are conventions of equal standing: one that holds is enough."""
    is_change: bool = False
    """A direction is the sign of the figure."""
    on_tick: bool = False
    """A price that only stands on the contract's tick."""
    is_limited: bool = False
    """A change against the settlement before, which the price limit bounds."""
    is_market: bool = False
    """About the market or its events: the claim's entity needs to name no commodity."""
    never: list[str] = []
    """Units it cannot be given in: a claim with one is impossible."""

    @model_validator(mode="before")
    @classmethod
    def _units(cls, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        kinds = [one.get("unit") for one in said.get("definition", ()) if isinstance(one, dict) and one.get("unit")]
        return {"units": list(dict.fromkeys([said.get("unit", ""), *kinds])), **said}


class Narrative(Entry):
    """Words that say who moved the price."""

    state: Literal["long_build", "short_covering", "long_liquidation", "short_build"]
    pattern: Pattern


class StanceWord(Entry):
    """Words that say what a document is for."""

    tag: Text
    pattern: Pattern


class UnitWord(Entry):
    """Units that cannot stand with a word."""

    pattern: Pattern
    types: Annotated[list[Text], Field(min_length=1)]
    reason: Text
    zh: Text | None = None


Named = TypeVar("Named", Fact, Metric)


class MetricsFile(Document):
    """`metrics.toml`. The operator's adds entries to the shipped ones, or replaces those of the same name."""

    units: dict[str, Unit] = {}
    reading: list[Reading] = []
    name: list[Name] = []
    neutral_words: list[Text] = []
    """Words of an entity that say nothing about the commodity."""
    publisher: list[Publisher] = []
    constants: dict[Text, Constant] = {}
    fact: list[Fact] = []
    narrative: list[Narrative] = []
    stance_word: list[StanceWord] = []
    unit_word: list[UnitWord] = []
    themes: dict[Text, Text] = {}
    metric: list[Metric] = []
    judgement: dict[Text, Text] = {}

    @property
    def commodities(self) -> set[str]:
        """Commodities the entries name."""
        return {entry.commodity for entry in self.fact} | {entry.commodity for entry in self.name} | {entry.commodity for entry in self.metric}

    def contradictions(self) -> Iterator[Wrong]:
        """Names are told apart."""
        yield from repeated("fact", self.fact, "name")
        yield from repeated("metric", self.metric, "name")

    def extended(self, own: "MetricsFile") -> "MetricsFile":
        """Give these entries with the operator's over them."""
        return MetricsFile(
            units={**self.units, **own.units},
            reading=[*self.reading, *own.reading],
            name=[*self.name, *own.name],
            neutral_words=[*self.neutral_words, *own.neutral_words],
            publisher=[*self.publisher, *own.publisher],
            constants={**self.constants, **own.constants},
            fact=_over(self.fact, own.fact),
            narrative=[*self.narrative, *own.narrative],
            stance_word=[*self.stance_word, *own.stance_word],
            unit_word=[*self.unit_word, *own.unit_word],
            themes={**self.themes, **own.themes},
            metric=_over(self.metric, own.metric),
            judgement={**self.judgement, **own.judgement},
        )

    def dangling(self, whole: "MetricsFile", commodities: Iterable[str]) -> Iterator[Wrong]:
        """Give what these entries name that stands nowhere in the whole."""
        facts, units, codes = {fact.name for fact in whole.fact}, set(whole.units), set(commodities)
        metrics = {metric.name for metric in whole.metric} | set(whole.judgement)
        types = {unit.type for unit in whole.units.values()}
        for number, fact in enumerate(self.fact):
            if fact.commodity and fact.commodity not in codes:
                yield ("fact", number, "commodity"), unknown("commodity", fact.commodity, codes)
            if fact.copy_of and fact.copy_of not in facts:
                yield ("fact", number, "copy_of"), unknown("fact", fact.copy_of, facts)
        for number, named in enumerate(self.name):
            if named.commodity and named.commodity not in codes:
                yield ("name", number, "commodity"), unknown("commodity", named.commodity, codes)
        for number, reading in enumerate(self.reading):
            for key, kind in (("of", reading.of), ("to", reading.to)):
                if kind not in types:
                    yield ("reading", number, key), unknown("type of unit", kind, types)
        for number, words in enumerate(self.unit_word):
            for place, kind in enumerate(words.types):
                if kind not in types:
                    yield ("unit_word", number, "types", place), unknown("type of unit", kind, types)
        for number, metric in enumerate(self.metric):
            if metric.commodity and metric.commodity not in codes:
                yield ("metric", number, "commodity"), unknown("commodity", metric.commodity, codes)
            for place, level in enumerate(metric.change_of):
                if level not in metrics:
                    yield ("metric", number, "change_of", place), unknown("metric", level, metrics)
            for key, name in (("asserts", metric.asserts), ("tick_price", metric.tick_price)):
                if name and name not in facts:
                    yield ("metric", number, key), unknown("fact", name, facts)
            for unit in {metric.unit: None, **dict.fromkeys((*metric.units, *metric.never))}:
                if unit and unit not in units:
                    yield ("metric", number, "unit" if unit == metric.unit else "units"), unknown("unit", unit, units)
            for place, definition in enumerate(metric.definitions):
                if definition.unit and definition.unit not in units:
                    yield ("metric", number, "definition", place, "unit"), unknown("unit", definition.unit, units)
                for key, formula in (("formula", definition.formula), ("rests_on", definition.rests_on)):
                    for said in _unknown_names(formula, facts | set(whole.constants) | set(NAMES), metrics) if formula else ():
                        yield ("metric", number, "definition", place, key), said


def _over(shipped: list[Named], own: list[Named]) -> list[Named]:
    named = {entry.name: entry for entry in shipped}
    return list((named | {entry.name: entry for entry in own}).values())


def _unknown_names(formula: str, names: set[str], metrics: set[str]) -> Iterator[str]:
    nodes = list(ast.walk(ast.parse(formula, mode="eval")))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    called = {id(call.func) for call in calls}
    for call in calls:
        function = getattr(call.func, "id", ast.unparse(call.func))
        if function not in FUNCTIONS:
            yield unknown("function", function, FUNCTIONS)
        elif function == "note" and call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value not in metrics:
            yield unknown("metric", call.args[0].value, metrics)
    for node in nodes:
        if isinstance(node, ast.Name) and id(node) not in called and node.id not in names:
            yield unknown("fact or constant", node.id, names)
