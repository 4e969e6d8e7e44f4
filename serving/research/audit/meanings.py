"""What metrics mean, as data: `ingest/catalog/metrics.toml`, the operator's entries over the shipped ones."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path

from ingest.catalog.calendar import Calendar, load_calendar
from ingest.catalog.documents import commodity, commodity_files, load
from ingest.catalog.metrics import FUTURES, Definition, Fact, Metric, MetricsFile
from ingest.catalog.references import catalogue_faults
from ingest.catalog.schemas import CommodityFile, ParametersFile
from ingest.source import ConfigurationError
from serving.research.audit.interval import Interval
from serving.research.wording import Said

__all__ = ["FUTURES", "Catalog", "CatalogError", "Commodity", "Definition", "Fact", "Metric", "load_catalog", "load_days", "title"]


METRICS_FILE = "metrics.toml"


class CatalogError(ValueError):
    """The catalogue of metrics is not what the audit reads; the message names the file."""


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
        for code, known in self.commodities.items():
            if re.search(rf"\b{code}(\d{{4}})?\b", text) or re.search(rf"\b{re.escape(known.name_en)}\b", text, re.IGNORECASE):
                return code
        return None


def title(definition: Definition) -> Said:
    """Give what a reader is told a definition is."""
    en = definition.label or definition.basis.replace("_", " ") or definition.formula
    return Said(definition.zh or en, en)


def load_catalog(overlay: Path | None = None) -> Catalog:
    """Read the metrics and what the checks need of the rest of the catalogue; raises CatalogError with everything that is wrong in it."""
    if wrong := catalogue_faults(overlay):
        raise CatalogError(f"catalogue file {'; '.join(map(str, wrong))}")
    file = load(MetricsFile)
    if overlay and (overlay / METRICS_FILE).is_file():
        file = file.extended(load(MetricsFile, overlay))
    commodities = [_commodity(commodity(name, body)) for name, body in commodity_files(overlay)]
    return Catalog(
        units={name: (unit.type, unit.factor) for name, unit in file.units.items()},
        constants={name: Interval.of(constant.value, constant.half_width) for name, constant in file.constants.items()},
        parameters={row.name: _fraction(row.value) for row in load(ParametersFile, overlay).parameter if row.commodity == "*"},
        facts={fact.name: fact for fact in file.fact},
        metrics={name: Metric(name=name, maps_to=text) for name, text in file.judgement.items()} | {row.name: row for row in file.metric},
        commodities={row.code: row for row in commodities},
        narratives=tuple((row.state, re.compile(row.pattern)) for row in file.narrative),
        stance_words=tuple((row.tag, re.compile(row.pattern)) for row in file.stance_word),
        unit_words=tuple((re.compile(row.pattern), tuple(row.types), Said(row.zh or row.reason, row.reason)) for row in file.unit_word),
        themes=file.themes,
    )


def load_days(overlay: Path | None = None) -> Calendar:
    """Read the trading calendar; raises CatalogError when the operator's extension of it is wrong."""
    try:
        return load_calendar(overlay)
    except ConfigurationError as error:
        raise CatalogError(str(error)) from None


def _commodity(file: CommodityFile) -> Commodity:
    spec = max(file.contract_spec, key=lambda row: row.valid_from)
    limits = sorted(
        (term.valid_from, _fraction(value)) for term in file.term if term.name == "limit_ratio" for scope, value in term.scopes.items() if not scope
    )
    tick, size, unit = (_fraction(value) for value in (spec.tick_cny_t, spec.contract_size_t, spec.warrant_unit_t))
    return Commodity(file.commodity.commodity_code, file.commodity.name_en, tick, size, unit, tuple(limits))


def _fraction(number: float) -> Fraction:
    """Read a number as it is written: 0.1 is a tenth."""
    return Fraction(str(number))
