"""The catalogue as a whole: everything that is wrong with it, file by file and between the files.

The names the models read (parameters, terms, roles of series, signals, metrics of rules) and their units are those of the shipped files:
a name that stands in none of them would be read by nobody, and a figure in another unit would be taken for one in theirs.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

from ingest.catalog.calendar import calendar_faults
from ingest.catalog.documents import CALENDAR, EXTENSION, NO_FILE, SHIPPED, catalog_files, load, typed
from ingest.catalog.leaning import ProfilesFile, StancesFile
from ingest.catalog.metrics import MetricsFile
from ingest.catalog.roles import ROLES
from ingest.catalog.schemas import (
    AlertsFile,
    ClockFile,
    CommodityFile,
    ExchangesFile,
    FeedsFile,
    HeldFile,
    PanelFile,
    ParametersFile,
    RegionsFile,
    ReleasesFile,
    ScheduleFile,
    Series,
    SeriesFile,
    Term,
    TermsFile,
    WhatifFile,
)  # fmt: skip
from ingest.catalog.scoring import RulesFile, ScoreFile
from quality.raw import TABLES
from quality.typed import Document, Fault, Loc, Wrong, WrongFileError, faults, unknown

# Terms whose scope is a region, a pair origin>warehouse or an import leg origin>route>port>region of regions; the legs have all four.
LEGS = "import_leg_freight_cny_t"
REGIONAL_TERMS = ("region_premium_cny_t", "freight_cny_t", LEGS)

F = TypeVar("F", bound=Document)


@dataclass(frozen=True)
class Names:
    """What the models know by name, with the unit where it has one."""

    parameters: Mapping[str, str]
    terms: Mapping[str, str]
    signals: Mapping[str, str]
    inputs: Mapping[str, str]
    metrics: Mapping[str, str]
    datasets: frozenset[str]
    roles: frozenset[str]
    regions: frozenset[str]
    units: frozenset[str]


@dataclass(frozen=True)
class Catalogue:
    """The files that could be read, by name."""

    files: Mapping[str, Document]

    def of(self, model: type[F]) -> Iterator[tuple[str, F]]:
        """Give the files of a model."""
        return ((name, file) for name, file in self.files.items() if isinstance(file, model))

    @property
    def codes(self) -> set[str]:
        """The commodities."""
        return {file.commodity.commodity_code for _, file in self.of(CommodityFile)}

    @property
    def terms(self) -> Iterator[tuple[str, int, Term]]:
        """Every dated term: file, place in it, entry."""
        files = [(name, file.term) for name, file in self.of(TermsFile)] + [(name, file.term) for name, file in self.of(CommodityFile)]
        return ((name, number, term) for name, terms in files for number, term in enumerate(terms))


def catalogue_faults(overlay: Path | None = None) -> list[Fault]:
    """Say everything that is wrong with the catalogue in force: the shipped files and the operator's."""
    return faults_of(catalog_files(overlay))


def faults_of(files: Iterable[tuple[str, bytes]]) -> list[Fault]:
    """Say everything that is wrong with these files, given as (name, bytes)."""
    found: list[Fault] = []
    right: dict[str, Document] = {}
    unread: list[str] = []
    bodies = dict(files)
    for name, body in bodies.items():
        try:
            if name == CALENDAR:
                found += calendar_faults(body.decode("utf-8").split(EXTENSION))
                continue
            right[name] = typed(name, body)
        except WrongFileError as error:
            found += error.faults
            if error.document is None:
                unread.append(name)
            else:
                right[name] = error.document
        except UnicodeDecodeError:
            found.append(Fault(name, 1, "", "this is no file, or a link to none" if body.endswith(NO_FILE) else "this is not text in UTF-8"))
    catalogue, wrong = Catalogue(right), dict[str, list[Wrong]]()
    # Where a file could not be read, nothing is said to be unknown that may stand in it.
    whole = not unread
    for check in _CHECKS:
        for name, loc, message in check(catalogue, _names(), whole):
            wrong.setdefault(name, []).append((loc, message))
    for name, said in wrong.items():
        found += faults(name, bodies[name].decode("utf-8"), said)
    return sorted(found, key=lambda fault: (fault.file, fault.line))


@cache
def _names() -> Names:
    shipped = Catalogue({name: typed(name, body) for name, body in catalog_files(None)})
    series = [row for _, file in shipped.of(CommodityFile) for row in file.series]
    return Names(
        parameters={row.name: row.unit for row in load(ParametersFile).parameter},
        terms={term.name: term.unit for _, _, term in shipped.terms},
        signals={row.signal: row.unit for row in load(ScoreFile).component},
        inputs={row.code: row.signal for row in load(ProfilesFile).input},
        metrics={row.name: row.unit for row in load(RulesFile).metric},
        datasets=frozenset(
            {row.dataset for row in load(ClockFile).clock} | {name for name in TABLES if not name.startswith(("catalog__", "ingest__"))}
        ),
        roles=frozenset(ROLES),
        regions=frozenset({row.region for row in series}),
        units=frozenset({row.unit for row in load(HeldFile).quantity}),
    )


Found = Iterator[tuple[str, Loc, str]]


def _unit(what: str, name: str, unit: str, known: Mapping[str, str]) -> tuple[str, str] | None:
    """Hold a name and its unit against those the models know: the key that is wrong, and why."""
    if name not in known:
        return "name" if what != "signal" else "signal", unknown(what, name, known)
    if unit != known[name]:
        return "unit", f"the models read {name} in {known[name]!r}, not in {unit!r}"
    return None


def _clocks(catalogue: Catalogue, names: Names, whole: bool) -> Found:
    datasets = set(names.datasets)
    for name, clock in catalogue.of(ClockFile):
        for number, row in enumerate(clock.clock):
            if row.dataset not in datasets:
                yield name, ("clock", number, "dataset"), unknown("dataset", row.dataset, datasets)
    for name, schedules in catalogue.of(ScheduleFile):
        for number, schedule in enumerate(schedules.schedule):
            for place, dataset in enumerate(schedule.waits_for):
                if dataset not in datasets:
                    yield name, ("schedule", number, "waits_for", place), unknown("dataset", dataset, datasets)
    for name, releases in catalogue.of(ReleasesFile):
        for number, table in enumerate(releases.timetable):
            if table.dataset not in datasets:
                yield name, ("timetable", number, "dataset"), unknown("dataset", table.dataset, datasets)


def _parameters(catalogue: Catalogue, names: Names, whole: bool) -> Found:
    yield from _panel(catalogue)
    for name, file in catalogue.of(ParametersFile):
        for number, row in enumerate(file.parameter):
            if wrong := _unit("parameter", row.name, row.unit, names.parameters):
                yield name, ("parameter", number, wrong[0]), wrong[1]
            if whole and row.commodity not in ("*", *catalogue.codes):
                yield name, ("parameter", number, "commodity"), unknown("commodity", row.commodity, catalogue.codes)
        for missing in sorted(set(names.parameters) - {row.name for row in file.parameter if row.commodity == "*"}):
            yield name, (), f"parameter {missing} for all commodities is missing; the models read it"


def _panel(catalogue: Catalogue) -> Found:
    known = {row.name: row.unit for row in load(PanelFile).parameter}
    for name, file in catalogue.of(PanelFile):
        for number, row in enumerate(file.parameter):
            if wrong := _unit("parameter", row.name, row.unit, known):
                yield name, ("parameter", number, wrong[0]), wrong[1]
        for missing in sorted(set(known) - {row.name for row in file.parameter}):
            yield name, (), f"parameter {missing} is missing; the models read it"


def _terms(catalogue: Catalogue, names: Names, whole: bool) -> Found:
    regions = names.regions | {region for _, file in catalogue.of(RegionsFile) for region in file.regions}
    for name, number, term in catalogue.terms:
        if wrong := _unit("term", term.name, term.unit, names.terms):
            yield name, ("term", number, wrong[0]), wrong[1]
        for scope in term.scopes if term.name in REGIONAL_TERMS else ():
            for region in scope.split(">") if scope else ():
                if whole and region not in regions:
                    yield name, ("term", number, *_scope(term, scope)), unknown("region", region, regions)
        for scope in term.scopes if term.name == LEGS else ():
            if scope.count(">") != 3:
                yield name, ("term", number, *_scope(term, scope)), f"{scope!r} is no import leg; write origin>route>port>region"


def _scope(term: Term, scope: str) -> Loc:
    return ("scope",) if term.values is None else ("values", scope)


def _commodities(catalogue: Catalogue, names: Names, whole: bool) -> Found:
    regions = names.regions | {region for _, file in catalogue.of(RegionsFile) for region in file.regions}
    exchanges = {exchange: said for _, file in catalogue.of(ExchangesFile) for exchange, said in file.exchanges.items()}
    seen: dict[str, str] = {}
    for name, file in catalogue.of(CommodityFile):
        head = file.commodity
        if seen.setdefault(head.commodity_code, name) != name:
            yield name, ("commodity", "commodity_code"), f"commodity {head.commodity_code} stands in {seen[head.commodity_code]} already"
        yield from _series(name, file.series, names, regions, whole)
        for number, bounds in enumerate(file.bounds):
            for place, role in enumerate(bounds.roles):
                if role not in names.roles:
                    yield name, ("bounds", number, "roles", place), unknown("role", role, names.roles)
            if bounds.unit not in names.units:
                yield name, ("bounds", number, "unit"), unknown("unit", bounds.unit, names.units)
            elif others := [role for role in bounds.roles if role in ROLES and ROLES[role].unit != bounds.unit]:
                yield name, ("bounds", number, "unit"), f"the role {others[0]} is read in {ROLES[others[0]].unit}, not in {bounds.unit}"
        if head.exchange not in exchanges or not (contracts := exchanges[head.exchange].contracts):
            continue
        if head.product_id not in contracts:
            yield name, ("commodity", "product_id"), unknown(f"product of {head.exchange}", head.product_id, contracts)
            continue
        contract = contracts[head.product_id]
        if contract.unit == "t" and contract.size not in {spec.contract_size_t for spec in file.contract_spec}:
            yield (
                name,
                ("contract_spec", len(file.contract_spec) - 1, "contract_size_t"),
                f"no contract_spec has the {contract.size:g} t a lot of {head.product_id} holds by exchanges.toml",
            )


def _own_series(catalogue: Catalogue, names: Names, whole: bool) -> Found:
    regions = names.regions | {region for _, file in catalogue.of(RegionsFile) for region in file.regions}
    known = {
        (file.commodity.commodity_code, row.role, row.provider, row.series_id): name
        for name, file in catalogue.of(CommodityFile)
        for row in file.series
    }
    for name, file in catalogue.of(SeriesFile):
        yield from _series(name, file.series, names, regions, whole)
        for number, row in enumerate(file.series):
            if whole and row.commodity not in catalogue.codes:
                yield name, ("series", number, "commodity"), unknown("commodity", row.commodity, catalogue.codes)
            if where := known.get((row.commodity, row.role, row.provider, row.series_id)):
                yield name, ("series", number, "series_id"), f"{row.series_id} of {row.provider} has the role {row.role} in {where} already"


def _series(name: str, entries: Iterable[Series], names: Names, regions: frozenset[str] | set[str], whole: bool) -> Found:
    for number, series in enumerate(entries):
        if series.role not in names.roles:
            yield name, ("series", number, "role"), unknown("role", series.role, names.roles)
        if whole and series.region not in regions:
            yield name, ("series", number, "region"), f"{unknown('region', series.region, regions)}; regions.toml names them"


def _scores(catalogue: Catalogue, names: Names, whole: bool) -> Found:
    codes = {"*", *catalogue.codes}
    for name, score in catalogue.of(ScoreFile):
        for number, row in enumerate(score.component):
            if wrong := _unit("signal", row.signal, row.unit, names.signals):
                yield name, ("component", number, wrong[0]), wrong[1]
        for place, commodities in (("component", [row.commodity for row in score.component]), ("cap", [cap.commodity for cap in score.cap])):
            for number, code in enumerate(commodities):
                if whole and code not in codes:
                    yield name, (place, number, "commodity"), unknown("commodity", code, codes - {"*"})
    for name, rules in catalogue.of(RulesFile):
        for number, metric in enumerate(rules.metric):
            if wrong := _unit("metric", metric.name, metric.unit, names.metrics):
                yield name, ("metric", number, wrong[0]), wrong[1]


def _stances(catalogue: Catalogue, names: Names, whole: bool) -> Found:
    flags = {effect.text for _, file in catalogue.of(RulesFile) for rule in file.rule for effect in rule.effects if effect.effect == "flag"}
    for name, file in catalogue.of(StancesFile):
        for number, part in enumerate(file.part):
            if part.metric not in names.metrics:
                yield name, ("part", number, "metric"), unknown("metric", part.metric, names.metrics)
        for number, lean in enumerate(file.lean):
            told: list[tuple[Loc, str | None]] = [(("caps", place), flag) for place, flag in enumerate(lean.caps)]
            for key, flag in [*told, (("divided_by",), lean.divided_by)]:
                if whole and flag is not None and flag not in flags:
                    yield (
                        name,
                        ("lean", number, *key),
                        f"no rule raises {unknown('flag', flag, [one for one in flags if one]).removeprefix('there is no ')}",
                    )
    signals = {*names.inputs.values(), *names.signals, *names.metrics}
    for name, profiles in catalogue.of(ProfilesFile):
        for number, row in enumerate(profiles.input):
            if row.signal not in signals:
                yield name, ("input", number, "signal"), unknown("signal", row.signal, signals)


def _claims(catalogue: Catalogue, names: Names, whole: bool) -> Found:
    shipped = cast(MetricsFile, typed("metrics.toml", (SHIPPED / "metrics.toml").read_bytes()))
    for name, own in catalogue.of(MetricsFile):
        codes = catalogue.codes if whole else own.commodities
        for loc, message in own.dangling(shipped.extended(own), codes):
            yield name, loc, message


def _shocks(catalogue: Catalogue, names: Names, whole: bool) -> Found:
    for name, file in catalogue.of(WhatifFile):
        for number, shock in enumerate(file.shock):
            for place, change in enumerate(shock.changes):
                if change.role is not None and change.role not in names.roles:
                    yield name, ("shock", number, "changes", place, "role"), unknown("role", change.role, names.roles)
                if change.term is not None and change.term not in names.terms:
                    yield name, ("shock", number, "changes", place, "term"), unknown("term", change.term, names.terms)


def _held(catalogue: Catalogue, names: Names, whole: bool) -> Found:
    for name, file in catalogue.of(HeldFile):
        for number, row in enumerate(file.quantity):
            if row.unit not in names.units:
                yield name, ("quantity", number, "unit"), unknown("unit", row.unit, names.units)
            for place, role in enumerate(row.roles):
                if role not in names.roles:
                    yield name, ("quantity", number, "roles", place), unknown("role", role, names.roles)
        for missing in sorted(names.units - {row.unit for row in file.quantity}):
            yield name, (), f"no quantity says what figures in {missing} may be"


def _owners(catalogue: Catalogue, names: Names, whole: bool) -> Found:
    """A route that is about nothing there is would never hear anything."""
    feeds = {row.of for _, file in catalogue.of(FeedsFile) for row in file.feed}
    known = {*TABLES, *(table.partition("__")[0] for table in TABLES), *feeds, *(feed.partition("/")[0] for feed in feeds), *catalogue.codes}
    for name, file in catalogue.of(AlertsFile):
        for number, route in enumerate(file.route):
            for place, subject in enumerate(route.about):
                if whole and subject not in known:
                    yield name, ("route", number, "about", place), unknown("source, feed, table or commodity", subject, known)


_CHECKS = (_owners, _clocks, _parameters, _terms, _commodities, _own_series, _scores, _stances, _claims, _shocks, _held)
