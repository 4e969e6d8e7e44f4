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
from ingest.catalog.schemas import CommodityFile, ExchangesFile, ParametersFile, RegionsFile
from ingest.source import ConfigurationError
from serving.research.audit.entities import Lexicon
from serving.research.audit.interval import Interval
from serving.research.wording import Said

__all__ = ["FUTURES", "Catalog", "CatalogError", "Commodity", "Definition", "Fact", "Metric", "load_catalog", "load_days", "title"]


METRICS_FILE = "metrics.toml"
_ITEM_DIGITS = 8  # what China's customs counts; a heading has four


class CatalogError(ValueError):
    """The catalogue of metrics is not what the audit reads; the message names the file."""


@dataclass(frozen=True)
class Commodity:
    """What the checks need of a commodity."""

    code: str
    name_en: str
    ticks: tuple[tuple[date, Fraction], ...]
    """Smallest step of a price by the day it came into force, oldest first."""
    contract_size_t: Fraction
    warrant_unit_t: Fraction
    limits: tuple[tuple[date, Fraction, bool], ...]
    """Daily price limit by the day it came into force, oldest first, and whether a notice says so."""

    def tick_on(self, day: date) -> Fraction:
        """Give the tick in force, of a day before the first the first."""
        return next((tick for since, tick in reversed(self.ticks) if since <= day), self.ticks[0][1])

    def limit_on(self, day: date) -> tuple[Fraction, bool] | None:
        """Give the limit in force, as a share, and whether a notice says so; None where no row does."""
        return next(((ratio, is_sourced) for since, ratio, is_sourced in reversed(self.limits) if since <= day), None)


@dataclass(frozen=True)
class Catalog:
    """The whole of it."""

    units: Mapping[str, tuple[str, Fraction]]
    unit_names: Mapping[str, str]
    """The unit by its name and by every way notes write it, in lower case."""
    readings: Mapping[tuple[str, str], Fraction]
    """What a kind of unit stands for beside itself: factor by (kind, other kind)."""
    lexicon: Lexicon
    publishers: tuple[tuple[str, ...], ...]
    products: Mapping[str, str]
    """Customs item of each commodity's own product."""
    customs_words: Mapping[str, str]
    """Customs item by word, of what is not a commodity's own product."""
    aliases: Mapping[str, str]
    constants: Mapping[str, Interval]
    parameters: Mapping[str, Fraction]
    facts: Mapping[str, Fact]
    metrics: Mapping[str, Metric]
    commodities: Mapping[str, Commodity]
    narratives: tuple[tuple[str, re.Pattern[str]], ...]
    stance_words: tuple[tuple[str, re.Pattern[str]], ...]
    unit_words: tuple[tuple[re.Pattern[str], tuple[str, ...], Said], ...]
    themes: Mapping[str, str]

    def unit_named(self, text: str) -> str | None:
        """Give the unit a text names; None where the catalogue has none of this name."""
        return self.unit_names.get(re.sub(r"\s+", " ", text.strip()).casefold().replace("％", "%"))

    def metric_named(self, text: str) -> Metric | None:
        """Give the metric of a name or alias."""
        return self.metrics.get(text) or self.metrics.get(self.aliases.get(text.casefold(), ""))

    def converted(self, figure: Interval, unit: str, to: str) -> Interval | None:
        """Give a figure in another unit; None where the two are of different kinds."""
        kind, factor = self.units[unit]
        wanted, base = self.units[to]
        if kind == wanted:
            return figure * (factor / base)
        reading = self.readings.get((kind, wanted))
        return None if reading is None else figure * (factor * reading / base)


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
    files = [commodity(name, body) for name, body in commodity_files(overlay)]
    commodities = [_commodity(body) for body in files]
    return Catalog(
        units={name: (unit.type, unit.factor) for name, unit in file.units.items()},
        unit_names={word.casefold(): name for name, unit in file.units.items() for word in (name, *unit.words)},
        readings={(row.of, row.to): row.factor for row in file.reading},
        lexicon=_lexicon(file, files, load(ExchangesFile, overlay), load(RegionsFile, overlay)),
        publishers=tuple(tuple(row.names) for row in file.publisher),
        products={
            one.commodity.commodity_code: row.hs_code
            for one in files
            for row in reversed(one.customs)
            if row.role == "product" and len(row.hs_code) == _ITEM_DIGITS
        },
        customs_words={word.lower(): row.hs_code for row in file.name if row.hs_code for word in row.words},
        aliases={alias.casefold(): row.name for row in file.metric for alias in (*row.aliases, row.zh) if alias},
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
    specs = sorted(file.contract_spec, key=lambda row: row.valid_from)
    limits = sorted(
        (term.valid_from, _fraction(value), term.label == "sourced")
        for term in file.term
        if term.name == "limit_ratio"
        for scope, value in term.scopes.items()
        if not scope
    )
    size, unit = _fraction(specs[-1].contract_size_t), _fraction(specs[-1].warrant_unit_t)
    ticks = tuple((row.valid_from, _fraction(row.tick_cny_t)) for row in specs)
    return Commodity(file.commodity.commodity_code, file.commodity.name_en, ticks, size, unit, tuple(limits))


def _lexicon(file: MetricsFile, commodities: list[CommodityFile], exchanges: ExchangesFile, regions: RegionsFile) -> Lexicon:
    """Put the words together: products of the exchanges first, since a configured commodity is one of them."""
    words: dict[str, str] = {}
    for exchange in exchanges.exchanges.values():
        words.update(dict.fromkeys([*exchange.products, *exchange.products.values(), *exchange.aliases], ""))
    for row in file.name:
        words.update(dict.fromkeys(row.words, row.commodity))
    for one in commodities:
        own = one.commodity
        words.update(dict.fromkeys([own.commodity_code, own.product_id, own.name_en, own.name_zh], own.commodity_code))
    return Lexicon(
        commodities={word.lower(): code for word, code in words.items()},
        customs={row.hs_code: one.commodity.commodity_code for one in commodities for row in one.customs},
        regions={word.lower(): code for code, names in regions.regions.items() for word in (names.zh, names.en)},
        vendors={name.lower(): row.series or row.names[0] for row in file.publisher for name in row.names},
        themes={word.lower(): theme for word, theme in file.themes.items()},
        neutral=frozenset(word.lower() for word in file.neutral_words),
    )


def _fraction(number: float) -> Fraction:
    """Read a number as it is written: 0.1 is a tenth."""
    return Fraction(str(number))
