"""What metrics mean, as data: `ingest/catalog/metrics.toml`, the operator's entries over the shipped ones."""

import ast
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from ingest.catalog.calendar import CALENDAR_FILE, Calendar, load_calendar
from ingest.source import ConfigurationError
from ingest.sources.catalog import catalog_files, named
from serving.research.audit.interval import Interval
from serving.research.words import Said

METRICS_FILE = "metrics.toml"
FUTURES = "fct_futures_daily"
"""The mart a definition reads unless it names another."""


class CatalogError(ValueError):
    """The catalogue of metrics is not what the audit reads; the message names the file."""


@dataclass(frozen=True)
class Fact:
    """Where a figure stands in the evidence."""

    name: str
    dataset: str
    key: str
    column: str
    grid: str = "session"
    factor: Fraction = Fraction(1)
    commodity: str = ""
    """The one commodity it belongs to; blank where the key says it."""
    copy_of: str = ""


@dataclass(frozen=True)
class Definition:
    """One way to read a metric: a formula over facts, a column of a mart with what it rests on, or what is missing to read it."""

    basis: str = ""
    formula: str = ""
    label: str = ""
    zh: str = ""
    """What a Chinese reader is told instead of basis and label."""
    over: str = "end"
    """end, each (every session of the period) or prints (every intraday print held)."""
    weak: bool = False
    """True where it can support a claim but not contradict it."""
    needs: str = ""
    vendor: str = ""
    kinds: tuple[str, ...] = ()
    night: bool | None = None
    mart: str = ""
    """Column of a mart, `mart.column` or a column of the futures: read where there is no formula, held against it in the tests where there is one."""
    states: Mapping[str, int | str] = field(default_factory=dict)
    """What the words of the column mean: a number, or the direction a claim states."""
    rests_on: str = ""

    @property
    def column(self) -> tuple[str, str]:
        """Mart and column it reads."""
        mart, dot, column = self.mart.rpartition(".")
        return (mart if dot else FUTURES), column

    @property
    def title(self) -> Said:
        """What a reader is told."""
        en = self.label or self.basis.replace("_", " ") or self.formula
        return Said(self.zh or en, en)


@dataclass(frozen=True)
class Metric:
    """What a claim can be about."""

    name: str
    unit: str = ""
    units: tuple[str, ...] = ()
    definitions: tuple[Definition, ...] = ()
    asserts: str = ""
    """Fact a claim of this metric states."""
    neutral: Fraction | None = None
    band: Fraction = Fraction(0)
    approx: Fraction | None = None
    low: Fraction | None = None
    high: Fraction | None = None
    is_price: bool = False
    is_receipts: bool = False
    tick_price: str = ""
    narrative: bool = False
    maps_to: str = ""
    source: str = ""


@dataclass(frozen=True)
class Commodity:
    """What the checks need of a commodity."""

    code: str
    name_en: str
    tick: Fraction
    contract_size_t: Fraction
    warrant_unit_t: Fraction
    limits: tuple[tuple[date, Fraction], ...]
    """Daily price limit by the day it came into force, oldest first."""

    def limit_on(self, day: date) -> Fraction | None:
        """Give the limit in force, as a share; None where no row says."""
        held = [ratio for since, ratio in self.limits if since <= day]
        return held[-1] if held else None


@dataclass(frozen=True)
class Catalog:
    """The whole of it."""

    units: Mapping[str, tuple[str, Fraction]]
    constants: Mapping[str, Interval]
    parameters: Mapping[str, Fraction]
    facts: Mapping[str, Fact]
    metrics: Mapping[str, Metric]
    commodities: Mapping[str, Commodity]
    narratives: tuple[tuple[str, re.Pattern[str]], ...]
    stance_words: tuple[tuple[str, re.Pattern[str]], ...]
    unit_words: tuple[tuple[re.Pattern[str], tuple[str, ...], Said], ...]
    themes: Mapping[str, str]

    def commodity_in(self, text: str) -> str | None:
        """Give the commodity an entity names, by contract, code or English name."""
        for code, commodity in self.commodities.items():
            if re.search(rf"\b{code}(\d{{4}})?\b", text) or re.search(rf"\b{re.escape(commodity.name_en)}\b", text, re.IGNORECASE):
                return code
        return None


def load_catalog(overlay: Path | None = None) -> Catalog:
    """Read the metrics and what the checks need of the rest of the catalogue; raises CatalogError naming the file that is wrong."""
    files = {name: _document(name, body) for name, body in catalog_files(overlay) if name != CALENDAR_FILE.name}
    shipped = _document(METRICS_FILE, (CALENDAR_FILE.parent / METRICS_FILE).read_bytes())
    own = files.get(METRICS_FILE, {})
    with named("parameters.toml", CatalogError):
        parameters = {row["name"]: _fraction(row["value"]) for row in files["parameters.toml"]["parameter"] if row.get("commodity", "*") == "*"}
    commodities = {row.code: row for name, body in files.items() if name.startswith("commodities/") for row in [_commodity(name, body)]}
    with named(METRICS_FILE, CatalogError):
        document = {key: {**shipped.get(key, {}), **own.get(key, {})} for key in ("units", "constants", "themes", "judgement")}
        lists = {
            key: [*shipped.get(key, []), *(own.get(key, []) if own != shipped else [])]
            for key in ("fact", "metric", "narrative", "stance_word", "unit_word")
        }
        facts = {row["name"]: Fact(**{**row, "factor": _fraction(row.get("factor", 1))}) for row in lists["fact"]}
        metrics = {name: Metric(name, maps_to=text) for name, text in document["judgement"].items()}
        metrics |= {row["name"]: _metric(row) for row in lists["metric"]}
        return Catalog(
            units={name: (row["type"], _fraction(row["factor"])) for name, row in document["units"].items()},
            constants={
                name: Interval.of(_fraction(row["value"]), _fraction(row.get("half_width", 0))) for name, row in document["constants"].items()
            },
            parameters=parameters,
            facts=facts,
            metrics=metrics,
            commodities=commodities,
            narratives=tuple((row["state"], re.compile(row["pattern"])) for row in lists["narrative"]),
            stance_words=tuple((row["tag"], re.compile(row["pattern"])) for row in lists["stance_word"]),
            unit_words=tuple(
                (re.compile(row["pattern"]), tuple(row["types"]), Said(row.get("zh", row["reason"]), row["reason"])) for row in lists["unit_word"]
            ),
            themes=document["themes"],
        )


def load_days(overlay: Path | None = None) -> Calendar:
    """Read the trading calendar; raises CatalogError when the operator's extension of it is wrong."""
    try:
        return load_calendar(overlay)
    except ConfigurationError as error:
        raise CatalogError(str(error)) from None


def _document(name: str, body: bytes) -> dict[str, Any]:
    with named(name, CatalogError):
        return tomllib.loads(body.decode())


def _metric(row: Mapping[str, Any]) -> Metric:
    numbers: dict[str, Any] = {name: _fraction(row[name]) for name in ("neutral", "band", "approx", "low", "high") if name in row}
    for formula in (one[name] for one in row.get("definition", []) for name in ("formula", "rests_on") if one.get(name)):
        ast.parse(formula, mode="eval")
    definitions = tuple(Definition(**{**one, "kinds": tuple(one.get("kinds", ()))}) for one in row.get("definition", []))
    rest = {name: value for name, value in row.items() if name not in ("definition", "units", *numbers)}
    return Metric(definitions=definitions, units=tuple(row.get("units", (row.get("unit", ""),))), **numbers, **rest)


def _commodity(name: str, document: Mapping[str, Any]) -> Commodity:
    with named(name, CatalogError):
        head, spec = document["commodity"], max(document["contract_spec"], key=lambda row: row["valid_from"])
        limits = sorted(
            (date.fromisoformat(row["valid_from"]), _fraction(row["value"]))
            for row in document.get("term", [])
            if row["name"] == "limit_ratio" and not row.get("scope")
        )
        tick, size, unit = (_fraction(spec[key]) for key in ("tick_cny_t", "contract_size_t", "warrant_unit_t"))
        return Commodity(head["commodity_code"], head["name_en"], tick, size, unit, tuple(limits))


def _fraction(number: float | int | str) -> Fraction:
    return Fraction(str(number))
