"""Judging claims: every definition that fits is evaluated on the evidence, and what comes out is compared as the claim demands."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import cache

from ingest.catalog.calendar import Calendar
from serving.research.audit import checks
from serving.research.audit.checks import shown
from serving.research.audit.claims import UNMAPPED, Claim, Note, Period
from serving.research.audit.entities import DOMINANT, Entity, resolve, vendors_in
from serving.research.audit.facts import Evidence
from serving.research.audit.formulas import Context, MissingError, Used, Value, evaluate
from serving.research.audit.interval import Interval, UndefinedError
from serving.research.audit.meanings import FUTURES, Catalog, CatalogError, Commodity, Definition, Fact, Metric, title
from serving.research.wording import PRICES, STATES, UNITS, Said, say

UNSPECIFIED = ("", "unspecified")
PRINTS_SHOWN = 12
_NOTHING = Said("", "")


class Verdict(StrEnum):
    """What the audit says of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    DEFINITION_DEPENDENT = "definition_dependent"
    NOT_COMPUTABLE = "not_computable"
    JUDGEMENT = "judgement"
    CONDITIONAL = "conditional"
    DUPLICATE = "duplicate"


BY_KIND = {
    "judgement": Verdict.JUDGEMENT,
    "conditional": Verdict.CONDITIONAL,
    "duplicate": Verdict.DUPLICATE,
    "static": Verdict.NOT_COMPUTABLE,
}


@dataclass(frozen=True)
class Judged:
    """A claim and what was found."""

    claim: Claim
    verdict: Verdict
    value_found: float | None
    """In the claim's own unit where it can be; None where nothing, or no single figure, was found."""
    value_unit: str
    """`0 or 1` where the definition is a condition; blank where nothing was found."""
    self_consistency: str
    evidence: str
    reconciling_definition: Said
    arithmetic: tuple[Said, ...] = ()
    """What each definition gave, and what makes the claim impossible."""
    used: tuple["Used", ...] = ()
    """The figures that went in."""


@dataclass(frozen=True)
class Result:
    """What one definition gave."""

    definition: Definition
    title: Said
    text: Said | None
    """What came out; None where nothing did."""
    holds: bool | None
    value: Interval | None = None
    used: tuple[Used, ...] = ()
    missing: str = ""
    is_truth: bool = False
    """True where the value is 1 for true and 0 for false, no figure."""
    soft: Said | None = None
    """Why a definition that fails is no evidence against the claim."""

    @property
    def claims(self) -> list[str]:
        """Claims of the same note that went in."""
        return sorted({used.claim_id for used in self.used if used.claim_id})

    @property
    def is_independent(self) -> bool:
        """True where at least one figure comes from another publisher."""
        return any(used.printed_by for used in self.used)


class Auditor:
    """Judges the claims of one note on one body of evidence."""

    def __init__(self, note: Note, catalog: Catalog, evidence: Evidence, calendar: Calendar) -> None:
        self.note, self.catalog, self.evidence, self.calendar = note, catalog, evidence, calendar
        self.claims = [claim for claim in note.claims if not claim.problem and claim.metric != UNMAPPED]
        self._entities: dict[tuple[str, str], Entity] = {}
        self._dominant = {
            (row["commodity_code"], day): contract for (mart, contract, day), row in evidence.marts.items() if mart == FUTURES and row["is_dominant"]
        }
        self._guessed: list[str] = []
        self._stated = self._statements()

    def judge_all(self) -> list[Judged]:
        """Judge every claim, in the note's order."""
        return [self.judge(claim) for claim in self.note.claims]

    def judge(self, claim: Claim) -> Judged:
        """Judge one claim."""
        if claim.problem or claim.metric == UNMAPPED:
            return self._undecided(claim, claim.problem or "the claim names no metric; `alumina audit --metrics` lists those there are")
        metric = self.catalog.metrics[claim.metric]
        likeness = self.catalog.constants["repeated_words"].middle
        found_in_note = (checks.same_value(claim, self.claims), checks.repeated_quote(claim, self._earlier(claim), likeness))
        remarks = [text for text in found_in_note if text]
        if claim.kind in BY_KIND:
            return self._by_kind(claim, metric, remarks)
        breaches = [breach for breach in (checks.unit_breach(claim, metric, self.catalog), checks.wrong_trade_date(claim)) if breach]
        unread, doubts = self._why_not(claim, metric), list[str]()
        results = [] if unread else self._results(claim, metric, "joined")
        if not unread:
            more_breaches, doubts, more = self._checks(claim, metric, results)
            breaches, remarks = [*breaches, *more_breaches], [*more, *remarks]
        remarks = [*(breach.en for breach in breaches), *([unread] if unread else []), *remarks]
        verdict = Verdict.CONTRADICTED if breaches else _verdict(results, is_any_of=metric.is_any_of)
        deciding = [result for result in results if result.holds is not None] or results
        reconciling = _NOTHING
        if verdict is Verdict.DEFINITION_DEPENDENT:
            told = [_told(result) for result in results]
            if not any(result.holds for result in results):
                told += list(dict.fromkeys(result.soft for result in results if result.soft and result.holds is False))
            reconciling = Said("；".join(one.zh for one in told), "; ".join(one.en for one in told))
        elif verdict is Verdict.CONTRADICTED:
            reconciling = (None if unread else self._other_day(claim, metric)) or next(iter(breaches), _NOTHING)
        facts = [_told(result).en for result in results if result.text] + sorted({result.missing for result in results if result.missing})
        sources = list(dict.fromkeys(_source(used) for result in results if result.text for used in result.used))
        shown_sources = sources if len(sources) <= PRINTS_SHOWN else [*sources[:PRINTS_SHOWN], f"and {len(sources) - PRINTS_SHOWN} more"]
        evidence = ". ".join([*remarks, *facts, *([f"From {'; '.join(shown_sources)}"] if sources else [])])
        one = next((one for one in deciding if one.value is not None), None)
        value, unit = (None, "") if one is None else self._in_claims_unit(one, claim, metric)
        consistency = "" if unread else self._self_consistency(claim, metric, results)
        if doubts and verdict not in (Verdict.SUPPORTED, Verdict.CONTRADICTED) and not consistency.startswith("fail"):
            consistency = f"fail: {doubts[0].replace(' fail:', '', 1)}"
        arithmetic = tuple(dict.fromkeys([*breaches, *(_told(result) for result in results)]))
        used = tuple(dict.fromkeys(part for result in results for part in result.used))
        evidence = evidence or "no definition fits the claim"
        return Judged(claim, verdict, value, unit, consistency, evidence, reconciling, arithmetic, used)

    @staticmethod
    def _undecided(claim: Claim, reason: str) -> Judged:
        return Judged(claim, Verdict.NOT_COMPUTABLE, None, "", "", reason, _NOTHING)

    def _in_claims_unit(self, result: Result, claim: Claim, metric: Metric) -> tuple[float | None, str]:
        """Give what was found in the claim's unit where it can be."""
        assert result.value is not None  # noqa: S101 - only asked of one with a value
        if result.is_truth:
            return float(result.value.middle), "0 or 1"
        unit = result.definition.unit or metric.unit
        if claim.unit and unit and _same_type(self.catalog, claim.unit, unit):
            found = self.catalog.converted(result.value, unit, claim.unit)
            return (None if found is None else float(found.middle)), claim.unit
        return float(result.value.middle), unit

    def _why_not(self, claim: Claim, metric: Metric) -> str:
        """Say why no definition can be held against the claim; blank where some can."""
        entity = self._entity(claim)
        if entity.reason and not metric.is_market:
            return entity.reason
        facts = [self.catalog.facts[name] for one in metric.definitions for name in _names(one.formula) if name in self.catalog.facts]
        period = claim.period
        if any(fact.grid == "month" for fact in facts) and (period.start.year, period.start.month) != (period.end.year, period.end.month):
            return f"{metric.name} is held month by month; a total over {claim.period_text} is not"
        bases = sorted({one.basis for one in metric.definitions if one.basis})
        if bases and claim.price_basis not in (*UNSPECIFIED, *bases):
            return f"price_basis {claim.price_basis!r} is not one of {metric.name}: {', '.join(bases)}"
        if metric.definitions and not self._of_its_unit(claim, metric):
            units = list(dict.fromkeys(unit for one in metric.definitions if (unit := one.unit or metric.unit)))
            return f"{metric.name} is held in {' or '.join(units)}; a claim in {claim.unit} is not comparable"
        if metric.definitions and not self._fitting(claim, metric):
            return f"no definition of {metric.name} fits the claim's kind and period"
        return ""

    # ---- what a kind decides alone -----------------------------------------------------------------------------------------------

    def _by_kind(self, claim: Claim, metric: Metric, remarks: Sequence[str]) -> Judged:
        texts = list(remarks)
        if claim.kind == "duplicate":
            twins = [
                other.claim_id
                for other in self._earlier(claim)
                if (other.metric.split(".")[0], other.period.end) == (claim.metric.split(".")[0], claim.period.end) and other.kind != "duplicate"
            ]
            texts.append(f"repeats {', '.join(twins)}" if twins else "marked as a repetition; no claim of the file says the same")
        elif claim.kind == "static":
            texts.append("fixed text; there is nothing to compute")
        else:
            return self._beside(claim, metric, texts)
        return Judged(claim, BY_KIND[claim.kind], None, "", "", ". ".join(texts), _NOTHING)

    def _beside(self, claim: Claim, metric: Metric, texts: list[str]) -> Judged:
        """Put what the metric's definitions give beside a judgement or a forecast; it decides nothing about it."""
        texts.append(f"read against {metric.maps_to}" if metric.maps_to else "no field of the outlook speaks of it")
        results = self._results(claim, metric, "joined") if metric.definitions and not self._entity(claim).reason else []
        texts += [f"{result.title.en} = {result.text.en}" if result.text else f"{result.title.en}: {result.missing}" for result in results]
        found = [result for result in results if result.value is not None]
        value, unit = self._in_claims_unit(found[0], claim, metric) if found else (None, "")
        used = tuple(dict.fromkeys(part for result in results for part in result.used))
        told = tuple(Said(f"{one.title.zh} = {one.text.zh}", f"{one.title.en} = {one.text.en}") for one in results if one.text)
        return Judged(claim, BY_KIND[claim.kind], value, unit, "", ". ".join(texts), _NOTHING, told, used)

    def _earlier(self, claim: Claim) -> list[Claim]:
        place = next(n for n, other in enumerate(self.claims) if other is claim)
        return list(self.claims[:place])

    # ---- definitions ---------------------------------------------------------------------------------------------------------------

    def _results(self, claim: Claim, metric: Metric, mode: str) -> list[Result]:
        """Evaluate every reading that fits; of those of one basis and vendor the first that can be computed counts (check A6)."""
        readings: dict[tuple[str, str], list[Definition]] = {}
        for definition in self._fitting(claim, metric):
            readings.setdefault((definition.basis, definition.vendor), []).append(definition)
        results: list[Result] = []
        for definitions in readings.values():
            tried = [self._result(claim, metric, definition, mode) for definition in definitions]
            found = next((batch for batch in tried if any(result.holds is not None for result in batch)), None)
            results += found or next((batch for batch in tried if any(result.text for result in batch)), tried[0])
        return results

    def _fitting(self, claim: Claim, metric: Metric) -> list[Definition]:
        has_bases = any(one.basis for one in metric.definitions)
        fitting = [
            one
            for one in self._of_its_unit(claim, metric)
            if claim.price_basis in (*UNSPECIFIED, one.basis) or not has_bases
            if claim.kind in (one.kinds or (claim.kind,))
            and one.night in (None, claim.period.night is not None)
            and not (claim.period.night and one.night is None and self._is_of_the_day(one))
            and one.span in ("", "day" if _is_day(claim.period) else "range")
            and (not one.said or re.search(one.said, claim.quote))
        ]
        if said := [one for one in fitting if one.said]:
            fitting = said
        named = self._named_vendors(claim)
        followed = [one for one in fitting if not (vendors := self._vendors(one)) or vendors & named]
        return followed if named and followed else fitting

    def _is_of_the_day(self, definition: Definition) -> bool:
        """Tell whether a definition rests on figures of the whole day: those of a night session are others."""
        datasets = {self.catalog.facts[name].dataset for name in _names(definition.formula) if name in self.catalog.facts}
        return "daily_quotes" in datasets and "bars" not in datasets

    def _of_its_unit(self, claim: Claim, metric: Metric) -> list[Definition]:
        """Give the definitions in the claim's kind of unit, or, where it states no figure, in the metric's own."""
        unit = claim.unit if claim.value is not None and claim.unit else metric.unit
        return [
            one
            for one in metric.definitions
            if not unit or not (own := one.unit or metric.unit) or self.catalog.converted(Interval.of(1), unit, own) is not None
        ]

    def _vendors(self, definition: Definition) -> frozenset[str]:
        """Give the vendors whose series a definition rests on."""
        facts = [self.catalog.facts[name] for name in _names(definition.formula) if name in self.catalog.facts]
        own = {definition.vendor} if definition.vendor else set()
        return frozenset(own | {fact.key.partition("-")[0] for fact in facts if fact.dataset == "vendor_series"})

    def _named_vendors(self, claim: Claim) -> frozenset[str]:
        return self._entity(claim).vendors | vendors_in(claim.quote, self.catalog.lexicon)

    def _softness(self, claim: Claim, definition: Definition) -> Said | None:
        """Say why the definition, should it fail, is no evidence against the claim; None where it is."""
        vendors, named = self._vendors(definition), self._named_vendors(claim)
        entity = self._entity(claim)
        if vendors and not named & vendors:
            series = ", ".join(sorted(vendors))
            return Said(
                f"所持序列属 {series}，论断未指明来源，不足以否定", f"no evidence against it: the series is of {series}, the claim names no vendor"
            )
        if entity.unknown:
            words = ", ".join(entity.unknown)
            return Said(f"未能识别“{words}”，不足以否定", f"no evidence against it: {words!r} of the entity is not understood")
        if self._needs_contract(definition) and not self._names_contract(claim):
            return Said("论断未指明合约，不足以否定", "no evidence against it: the claim names no contract")
        if definition.over == "each" and not _is_day(claim.period) and claim.cmp in ("", "eq"):
            return Said("期间合计还是逐日未说明，不足以否定", "no evidence against it: a sum over the period or each day of it is left open")
        if self._needs_contract(definition) and self._is_rolling(claim):
            return Said(
                "主力换月前后，未指明合约，不足以否定",
                "no evidence against it: the dominant contract changes around the day and the claim names no contract",
            )
        if self._guessed:
            return Said("基期数值取此前最近一期，不足以否定", f"no evidence against it: {self._guessed[0]}")
        return None

    def _is_rolling(self, claim: Claim) -> bool:
        """Tell whether the dominant contract, where the claim names no other, is another one a few sessions before or after."""
        entity = self._entity(claim)
        if entity.contracts or self._quoted_contract(claim):
            return False
        width, day = int(self.catalog.constants["roll_sessions"].middle), claim.period.end
        days = [
            *self.calendar.between(self.calendar.first_day, day)[-width:],
            *self.calendar.between(day, min(day + timedelta(days=2 * width), self.calendar.last_day))[:width],
        ]
        return len({contract for one in days if (contract := self._dominant.get((entity.commodity, one)))}) > 1

    def _needs_contract(self, definition: Definition) -> bool:
        return any("{contract}" in self.catalog.facts[name].key for name in _names(definition.formula) if name in self.catalog.facts)

    def _names_contract(self, claim: Claim) -> bool:
        entity = self._entity(claim)
        return bool(entity.contracts or entity.is_dominant or self._quoted_contract(claim) or any(word in claim.quote.lower() for word in DOMINANT))

    def _result(self, claim: Claim, metric: Metric, definition: Definition, mode: str) -> list[Result]:
        blank = Result(definition, title(definition), None, None)
        vendors, named = self._vendors(definition), self._named_vendors(claim)
        if vendors and named and not vendors & named:
            return [replace(blank, missing=f"the claim follows {', '.join(sorted(named))}, the series held is of {', '.join(sorted(vendors))}")]
        if definition.needs:
            return [replace(blank, missing=f"not held: {definition.needs}")]
        if definition.over == "prints":
            return self._prints(claim, metric, definition, mode) or [replace(blank, missing=f"not held: intraday prints of {claim.period.end}")]
        days = [claim.period.end]
        if definition.over == "each":
            days = self.calendar.between(claim.period.start, claim.period.end)
            if not days:
                return [replace(blank, missing=f"no session in {claim.period_text}")]
        values: list[tuple[Value, tuple[Used, ...]]] = []
        for day in days:
            try:
                values.append(self._evaluate(claim, definition, mode, replace_day=None if definition.over == "end" else day))
            except (MissingError, UndefinedError) as error:
                return [replace(blank, missing=str(error))]
        used = tuple(part for _, parts in values for part in parts)
        results = [self._compared(claim, metric, definition, value, used) for value, _ in values]
        if definition.over != "each" or len(results[0]) != 1:
            return results[0]
        parts = [batch[0] for batch in results]
        holds = None if any(part.holds is None for part in parts) else all(part.holds for part in parts)
        told = [(part.text or _NOTHING, day) for part, day in zip(parts, days, strict=True)]
        text = Said("，".join(f"{day} {one.zh}" for one, day in told), ", ".join(f"{one.en} on {day}" for one, day in told))
        return [replace(parts[-1], text=text, holds=holds)]

    def _prints(self, claim: Claim, metric: Metric, definition: Definition, mode: str) -> list[Result]:
        fact = next((fact for name, fact in self.catalog.facts.items() if "{clock}" in fact.key and name in definition.formula), None)
        context = self._context(claim, mode)
        if fact is None or "contract" not in context.words:
            return []
        prefix = fact.key.partition("{clock}")[0].format(contract=context.words["contract"])
        results = []
        for clock in self.evidence.suffixes(fact, prefix, claim.period.end)[:PRINTS_SHOWN]:
            try:
                value, used = self._evaluate(claim, definition, mode, clock=clock)
            except (MissingError, UndefinedError):
                continue
            at = Said(f"{title(definition).zh}，{clock}", f"{title(definition).en}, at {clock}")
            results += [replace(one, title=at) for one in self._compared(claim, metric, definition, value, used)]
        return results

    def _evaluate(
        self, claim: Claim, definition: Definition, mode: str, *, replace_day: date | None = None, clock: str = ""
    ) -> tuple[Value, tuple[Used, ...]]:
        """Give the value of a definition and what went in: on evidence alone where it suffices, else with the note's other claims."""
        error: MissingError | None = None
        for attempt in ("evidence", "joined") if mode == "joined" else (mode,):
            context = self._context(claim, attempt)
            if replace_day:
                context.day, context.month = replace_day, replace_day.replace(day=1)
            self._guessed = context.guessed
            if clock:
                context.words = {**context.words, "clock": clock}
            try:
                return (self._mart(definition, context) if not definition.formula else evaluate(definition.formula, context)), tuple(context.used)
            except MissingError as missing:
                error = error or missing
        raise error or MissingError(title(definition).en)

    def _mart(self, definition: Definition, context: Context) -> Value:
        """Read a column of a mart; what it rests on must be evidence, all of it."""
        mart, column = definition.column
        name = f"marts.{mart}.{column}"
        if definition.rests_on:
            evaluate(definition.rests_on, replace(context, mode="evidence"))  # the note's own figures cannot stand in for it
        elif not self.evidence.is_real:
            raise MissingError(f"{name} rests on figures that are simulated here")
        key = context.words.get("contract", "") if mart == FUTURES else context.commodity.code
        state = self.evidence.marts.get((mart, key, context.day), {}).get(column)
        if state is None:
            raise MissingError(f"{name} has no value on {context.day}")
        try:
            told = definition.states[str(state).lower()] if definition.states else Fraction(repr(state))
        except (KeyError, ValueError):
            raise CatalogError(f"catalogue file metrics.toml: {name} is {state!r}, which no `states` of its definition explains") from None
        if isinstance(told, str):
            context.used.append(Used(column, context.day, None, f"marts.{mart}"))
            return frozenset({told})
        number = Interval.of(told)
        context.used.append(Used(column, context.day, number, f"marts.{mart}"))
        return number.meets(Interval.of(1)) if set(definition.states) == {"true", "false"} else number

    # ---- comparing -----------------------------------------------------------------------------------------------------------------

    def _compared(self, claim: Claim, metric: Metric, definition: Definition, value: Value, used: tuple[Used, ...]) -> list[Result]:
        base = Result(definition, title(definition), None, None, used=used, soft=self._softness(claim, definition))
        if isinstance(value, frozenset):
            return self._compared_tags(claim, metric, base, value)
        if isinstance(value, bool):
            wanted = claim.value is None or claim.value != 0 or definition.formula.find("claim") >= 0
            results = [
                replace(
                    base,
                    text=Said("是", "true") if value else Said("否", "false"),
                    holds=value == wanted,
                    value=Interval.of(int(value)),
                    is_truth=True,
                )
            ]
        else:
            results = [self._compared_figure(claim, metric, base, value)]
        if definition.weak:
            results = [replace(one, holds=one.holds or None) for one in results]
        if used and not base.is_independent:
            results = [
                replace(one, holds=None, title=Said(f"{one.title.zh}（仅研报自身数据）", f"{one.title.en} (the note's own figures only)"))
                for one in results
            ]
        return results

    def _compared_figure(self, claim: Claim, metric: Metric, base: Result, value: Interval) -> Result:
        unit = base.definition.unit or metric.unit
        digits = 4 if abs(value.middle) < 1 else 2
        middle, low, high = (shown(part, digits) for part in (value.middle, value.low, value.high))
        text = Said(f"{middle} {say(UNITS, unit).zh}".strip(), f"{middle} {say(UNITS, unit).en}".strip())
        if value.low != value.high:
            text = Said(f"{text.zh}（{low} 至 {high}）", f"{text.en} ({low} to {high})")
        stated = self._stated_in(claim, metric, unit)
        holds = self._holds(claim, metric, value, stated)
        if base.definition.open_ended and claim.value is not None and claim.cmp in ("", "eq", "ge", "gt"):
            enough = value.low >= claim.value + (claim.cmp == "gt")  # more can have happened than is held
            holds = value.high == 0 if claim.value == 0 else enough or None
        soft = base.soft
        if holds is False and stated is not None and self._is_rounding(claim, value, stated):
            soft = soft or Said("与末位数字的取舍有关，不足以否定", "no evidence against it: apart by less than the last printed digit")
        vague = "" if holds is not None or claim.value is not None else "no threshold says what the word means"
        return replace(base, text=text, holds=holds, value=value, missing=vague, soft=soft)

    def _is_rounding(self, claim: Claim, value: Interval, stated: Interval) -> bool:
        """Tell whether a figure that is printed more coarsely than it is held may have been cut off and not rounded."""
        if claim.cmp not in ("", "eq") or claim.value is None:
            return False
        width = (stated.high - stated.low) / 2
        coarse = self.catalog.units[claim.unit][0] in ("pct", "pp", "share") if claim.unit else False
        return (coarse or claim.half_unit > Fraction(1, 2)) and value.meets(Interval(stated.low - width, stated.high + width))

    def _compared_tags(self, claim: Claim, metric: Metric, base: Result, tags: frozenset[str]) -> list[Result]:
        """Hold tags against the direction, or the net state of price and open interest against who the sentence says moved (A10)."""
        if not metric.narrative:
            named = sorted(tags)
            text = Said("、".join(say(STATES, tag).zh for tag in named) or "无", ", ".join(say(STATES, tag).en for tag in named) or "none")
            holds = claim.direction in tags if claim.direction else None
            if holds is False and tags <= set(base.definition.absence):
                holds = None  # that nothing is held is no evidence that nothing happened
            return [replace(base, text=text, holds=holds)]
        told = [state for state, pattern in self.catalog.narratives if pattern.search(claim.quote)]
        net = Said(
            f"实际为{'、'.join(say(STATES, tag).zh for tag in tags)}" if tags else "方向未定",
            f"net {', '.join(say(STATES, tag).en for tag in tags) or 'undecided'}",
        )
        if not told or not tags:
            return [replace(base, text=net, holds=None)]
        return [
            replace(
                base,
                title=Said(f"{base.title.zh}；A10，表述为{say(STATES, state).zh}", f"{base.title.en}; A10, told as {say(STATES, state).en}"),
                text=net,
                holds=state in tags,
            )
            for state in told
        ]

    def _holds(self, claim: Claim, metric: Metric, value: Interval, stated: Interval | None) -> bool | None:
        if stated is not None:
            return self._figure_holds(claim, metric, value, stated)
        if claim.direction == "low" and metric.low is not None:
            return _surely(value.high <= metric.low, value.low > metric.low)
        if claim.direction == "high" and metric.high is not None:
            return _surely(value.low >= metric.high, value.high < metric.high)
        if metric.neutral is None or claim.direction not in ("up", "down", "flat"):
            return None  # no threshold says what the word means
        apart = value - metric.neutral
        if claim.direction == "flat":
            return _surely(-metric.band <= apart.low and apart.high <= metric.band, apart.low > metric.band or apart.high < -metric.band)
        side = apart if claim.direction == "up" else -apart
        return _surely(side.low > metric.band, side.high <= metric.band)

    def _figure_holds(self, claim: Claim, metric: Metric, value: Interval, stated: Interval) -> bool | None:
        figure = stated.middle
        match claim.cmp:
            case "gt":
                return _surely(value.low > figure, value.high <= figure)
            case "ge":
                return _surely(value.low >= figure, value.high < figure)
            case "lt":
                return _surely(value.high < figure, value.low >= figure)
            case "le":
                return _surely(value.high <= figure, value.low > figure)
            case "approx":
                width = metric.approx if metric.approx is not None else self.catalog.constants["approx_ratio"].middle * abs(figure)
                return value.meets(Interval.of(figure, width))
        return value.meets(stated)

    def _in_metric_unit(self, claim: Claim, metric: Metric) -> Interval | None:
        return self._stated_in(claim, metric, metric.unit)

    def _stated_in(self, claim: Claim, metric: Metric, unit: str) -> Interval | None:
        """Give the stated figure in a unit; a fall stated without its sign gets it. None where nothing is stated or the units differ in kind."""
        stated = claim.stated
        if stated is None:
            return None
        if metric.is_change and claim.direction == "down" and stated.low > 0 and claim.cmp in ("", "eq", "approx"):
            stated = -stated
        return stated if not claim.unit or not unit else self.catalog.converted(stated, claim.unit, unit)

    # ---- checks --------------------------------------------------------------------------------------------------------------------

    def _checks(self, claim: Claim, metric: Metric, results: Sequence[Result]) -> tuple[list[Said], list[str], list[str]]:
        """Give what makes the claim impossible, what makes it so if an assumption or the file's own day holds, and what is worth saying."""
        commodity, remarks, doubts, breaches = self._commodity(claim), list[str](), list[str](), list[Said]()
        stated = self._in_metric_unit(claim, metric)
        is_on_session = any(self._needs_contract(one) for one in metric.definitions) or metric.is_receipts
        if is_on_session and (closed := checks.no_session(claim, self.calendar)):
            if checks.names_day(claim.quote, claim.period.end):
                breaches.append(closed)
            elif claim.value is not None:
                doubts.append(closed.en)
        if metric.is_price and (before := self._figure(claim, "settle[-1]")) and (beyond := checks.beyond_limit(claim, before, commodity)):
            if beyond[1]:
                breaches.append(beyond[0])
            else:
                doubts.append(f"{beyond[0].en}; the limit is assumed, no notice is read")
        if metric.is_limited and stated is not None and _is_day(claim.period) and (far := checks.beyond_limit_change(claim, stated, commodity)):
            if far[1]:
                breaches.append(far[0])
            else:
                doubts.append(f"{far[0].en}; the limit is assumed, no notice is read")
        if metric.on_tick and stated is not None and claim.unit in ("", metric.unit) and (apart := checks.off_tick(claim, commodity)):
            breaches.append(apart)
        held = next((result.value for result in results if result.value is not None and result.is_independent and not result.claims), None)
        if metric.name == "volume" and stated is not None and held is not None and (double := checks.double_sided(stated, held)):
            breaches.append(double)
        if held is None and metric.asserts:
            held = self._figure(claim, f"latest({metric.asserts})")
        if stated is not None and held is not None and claim.cmp in ("eq", "approx"):
            slip = checks.magnitude_slip(stated.middle, held.middle, self.catalog.constants["magnitude_tolerance"].middle)
            breaches += [slip] if slip else []
        if metric.is_receipts and stated is not None and stated.middle > 0:
            remarks.append(checks.warrant_multiple(stated, commodity.warrant_unit_t, self.catalog.parameters["warrant_tolerance_ratio"]))
        if metric.tick_price and claim.cmp == "eq" and stated is not None:
            remarks += checks.tick_solvability(stated, [price for price, _ in self._prices(claim, metric)], commodity.tick_on(claim.period.end))
        if any(word in claim.quote for word in checks.NIGHT_WORDS) and claim.period.night is None:
            remarks.append("A5: the words speak of a night session, the period of a trade date")
        return breaches, doubts, [*doubts, *remarks]

    def _prices(self, claim: Claim, metric: Metric) -> list[tuple[tuple[str, Interval], str]]:
        """Give the prices a change can have been made from, and the claim of the note that states each; blank for a published one."""
        prices = [(("published", price), "")] if (price := self._figure(claim, metric.tick_price)) else []
        if own := self._claimed(claim, metric.tick_price):
            prices.append(((f"the note's {own[0]}", own[1]), own[0]))
        return prices

    def _figure(self, claim: Claim, formula: str) -> Interval | None:
        try:
            found = evaluate(formula, self._context(claim, "evidence"))
        except (MissingError, UndefinedError):
            return None
        return found if isinstance(found, Interval) else None

    def _other_day(self, claim: Claim, metric: Metric) -> Said | None:
        """A5: say when a price that its own trade date cannot hold lies in the range of the next: a night print under its calendar day."""
        if not metric.is_price or claim.value is None:
            return None
        context = self._context(claim, "evidence")
        following = [day for day in self.calendar.sessions if day > claim.period.end][:1]
        ranges = []
        for day in (claim.period.end, *following):
            context.day = day
            try:
                low, high = evaluate("low", context), evaluate("high", context)
            except MissingError:
                continue
            if isinstance(low, Interval) and isinstance(high, Interval) and low.low <= claim.value <= high.high:
                ranges.append((day, low, high))
        if not ranges:
            return None
        day, low, high = ranges[0]
        figure, span = shown(claim.value), (shown(low.middle), shown(high.middle))
        if day == claim.period.end:
            return Said(
                f"{figure} 在 {day} 盘中成交过（区间 {span[0]} 至 {span[1]}）：是当日价格，不是{say(PRICES, claim.metric).zh}",
                f"{figure} traded on {day} (range {span[0]} to {span[1]}): a price of the day, not its {claim.metric}",
            )
        return Said(
            f"A5：{figure} 落在交易日 {day} 的区间（{span[0]} 至 {span[1]}）内；{claim.period.end} 夜盘属于该交易日",
            f"A5: {figure} lies in the range of trade date {day} ({span[0]} to {span[1]}); the night of {claim.period.end} belongs to it",
        )

    def _self_consistency(self, claim: Claim, metric: Metric, found: Sequence[Result]) -> str:
        """A3: hold the claim against what the rest of the note implies, its figures before anybody's."""
        if wrong := checks.quoted_unit(claim, self.catalog):
            return wrong
        stated = self._in_metric_unit(claim, metric)
        if metric.asserts and stated is not None and claim.cmp == "eq" and (place := self._place(claim, metric)):
            for other_id, value in self._stated.get(place, []):
                if other_id != claim.claim_id and not value.meets(stated):
                    return f"fail versus {other_id}: it states {shown(value.middle)} for the same"
            if metric.on_tick and not claim.period.night and (apart := self._outside_range(claim, metric, stated)):
                return apart
        results = self._results(claim, metric, "note")
        decided = [result for result in results if result.claims and result.text and result.definition.formula]
        judged = [(result, self._recheck(claim, metric, result)) for result in decided]
        told = [(result, holds) for result, holds in judged if holds is not None]
        if any(holds for _, holds in told):
            return f"pass with {', '.join(sorted({name for result, holds in told if holds for name in result.claims}))}"
        if told and len(told) == len(results) and not any(result.soft or result.definition.weak for result, _ in told):
            return f"fail versus {', '.join(told[0][0].claims)}: they give {(told[0][0].text or _NOTHING).en}"
        return "" if any(result.holds for result in found) else self._unsolvable(claim, metric)

    def _outside_range(self, claim: Claim, metric: Metric, stated: Interval) -> str | None:
        """A15: hold a price against high and low of the same contract and day, as the note states them."""
        place = self._place(claim, metric)
        ends = []
        for end in ("high", "low"):
            others = self._stated.get((end, *place[1:]), []) if place and end != metric.asserts else []
            ends.append(next((other for other in others if other[0] != claim.claim_id), None))
        return checks.outside_range(metric.name, stated, ends[0], ends[1])

    def _unsolvable(self, claim: Claim, metric: Metric) -> str:
        """A1: say when no base on the tick gives the change, however it was rounded."""
        stated = self._in_metric_unit(claim, metric)
        if not metric.tick_price or claim.cmp != "eq" or stated is None or not self._names_contract(claim):
            return ""
        wide, tick = Interval(stated.low - claim.half_unit, stated.high + claim.half_unit), self._commodity(claim).tick_on(claim.period.end)
        for (name, price), other in self._prices(claim, metric):
            if price.low == price.high or other:
                wrong = checks.tick_solvability(wide, [(name, price)], tick)[0]
                if wrong.startswith("A1 fail"):
                    return f"fail versus {other or 'the published price'}: {wrong}"
        return ""

    def _recheck(self, claim: Claim, metric: Metric, result: Result) -> bool | None:
        if result.holds is not None or result.value is None:
            return result.holds
        return self._holds(claim, metric, result.value, self._stated_in(claim, metric, result.definition.unit or metric.unit))

    # ---- what the note states ----------------------------------------------------------------------------------------------------

    def _statements(self) -> dict[tuple[str, str, date], list[tuple[str, Interval]]]:
        found: dict[tuple[str, str, date], list[tuple[str, Interval]]] = {}
        for claim in self.claims:
            metric = self.catalog.metrics[claim.metric]
            if not metric.asserts or claim.cmp != "eq" or claim.kind in BY_KIND:
                continue
            stated, place = self._in_metric_unit(claim, metric), self._place(claim, metric)
            if stated and place:
                found.setdefault(place, []).append((claim.claim_id, stated))
        return found

    def _place(self, claim: Claim, metric: Metric) -> tuple[str, str, date] | None:
        """Say which figure the claim states; None where it cannot be told."""
        fact, entity, period = self.catalog.facts[metric.asserts], self._entity(claim), claim.period
        vendors = self._named_vendors(claim)
        is_other = fact.dataset == "vendor_series" and vendors and fact.key.partition("-")[0] not in vendors
        is_of_more_days = not _is_day(period) and (metric.is_change or any(one.span for one in metric.definitions))
        if entity.reason or entity.unknown or is_other or period.night or is_of_more_days:
            return None
        if "{contract}" in fact.key and not self._names_contract(claim):
            return None
        try:
            key = fact.key.format(commodity=entity.commodity, **self._words(claim))
        except KeyError:
            return None
        return fact.name, key, period.start if fact.grid == "month" else period.end

    def _claimed(self, claim: Claim, name: str) -> tuple[str, Interval] | None:
        """Give the newest other claim of a metric about the same thing within the claim's period."""
        metric = self.catalog.metrics[name]
        about = self._about(claim)
        inside = [
            other
            for other in self.claims
            if other.metric == name
            and other.claim_id != claim.claim_id
            and other.kind not in BY_KIND
            and self._about(other) == about
            and other.period.night == claim.period.night
            and claim.period.start <= other.period.end <= max(claim.period.end, claim.period.start)
        ]
        for other in sorted(inside, key=lambda one: one.period.end, reverse=True):
            stated = self._in_metric_unit(other, metric)
            if stated is not None and other.cmp in ("", "eq", "range"):
                return other.claim_id, stated
        return None

    def _about(self, claim: Claim) -> tuple[str, ...]:
        """Commodity, contract and customs code of a claim; its own number where they cannot be told: then it is about nothing else's subject."""
        entity, words = self._entity(claim), self._words(claim)
        if entity.reason or entity.unknown:
            return (claim.claim_id,)
        return entity.commodity, words.get("contract", ""), words.get("hs", "")

    # ---- where a formula is evaluated ----------------------------------------------------------------------------------------------

    def _context(self, claim: Claim, mode: str) -> Context:
        period, day = claim.period, claim.period.end
        if period.is_month:
            month_end = (period.start.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
            day = min(month_end, max(self.note.as_of, period.start))

        def stated(fact: Fact, key: str, on: date) -> tuple[str, Interval] | None:
            return next((one for one in self._stated.get((fact.name, key, on), []) if one[0] != claim.claim_id), None)

        low = None if claim.value is None else Interval.of(claim.value)
        high = None if claim.value_high is None else Interval.of(claim.value_high)
        return Context(
            self.catalog, self.calendar, self.evidence, self._commodity(claim), day, period.start, day.replace(day=1), self.note.as_of,
            self._words(claim), low, high, self._base_day(period, day), [], stated, lambda name: self._claimed(claim, name), mode,
        )  # fmt: skip

    def _base_day(self, period: Period, day: date) -> date | None:
        """Give the day a change is counted from, see `formulas`."""
        if not (_is_day(period) or period.is_week or period.is_month):
            last = period.start
        else:
            last = (day if _is_day(period) else period.start) - timedelta(days=1)
        return next(iter(self.calendar.between(self.calendar.first_day, last)[-1:]), None) if last >= self.calendar.first_day else None

    def _entity(self, claim: Claim) -> Entity:
        known = self._entities.get((claim.claim_id, claim.entity))
        if known is None:
            known = resolve(claim.entity, self.catalog.lexicon, self.note.commodity)
            self._entities[claim.claim_id, claim.entity] = known
        return known

    def _commodity(self, claim: Claim) -> Commodity:
        """Give the commodity; of a claim about the market the note's own, which is then only the place it is looked at from."""
        return self.catalog.commodities[self._entity(claim).commodity or self.note.commodity]

    def _words(self, claim: Claim) -> dict[str, str]:
        entity, words = self._entity(claim), {}
        if contract := self._contract(claim):
            words["contract"] = contract
        if len(entity.contracts) > 1:
            words["far"] = entity.contracts[1]
        if entity.region:
            words["region"] = entity.region.upper()
        return words | {name: text for name, text in (("hs", entity.hs), ("theme", entity.theme)) if text}

    def _contract(self, claim: Claim) -> str | None:
        """Name the contract a claim is about: as it says itself, else the dominant one of the day."""
        entity = self._entity(claim)
        if entity.reason:
            return None
        return next(iter(entity.contracts), None) or self._quoted_contract(claim) or self._dominant.get((entity.commodity, claim.period.end))

    def _quoted_contract(self, claim: Claim) -> str | None:
        """Give the one contract of its commodity the quote names."""
        entity = self._entity(claim)
        named = resolve(claim.quote, self.catalog.lexicon, "").contracts
        fitting = [contract for contract in named if contract.startswith(entity.commodity)]
        return fitting[0] if entity.commodity and len(set(fitting)) == 1 else None


def _verdict(results: Sequence[Result], *, is_any_of: bool = False) -> Verdict:
    """Weigh the readings: one alone decides; of several all must agree, of conventions of equal standing one is enough."""
    decided = [result for result in results if result.holds is not None]
    if not decided:
        return Verdict.NOT_COMPUTABLE
    held = [result for result in decided if result.holds]
    if len(held) == len(decided) or (held and is_any_of):
        return Verdict.SUPPORTED
    if held or len(decided) < len(results):
        return Verdict.DEFINITION_DEPENDENT
    # An identity with another claim of the note says that one of the two is wrong, not which.
    if all(result.claims for result in decided):
        return Verdict.NOT_COMPUTABLE
    return Verdict.DEFINITION_DEPENDENT if any(result.soft for result in decided) else Verdict.CONTRADICTED


@cache
def _names(formula: str) -> frozenset[str]:
    """Give the names a formula uses."""
    return frozenset(node.id for node in ast.walk(ast.parse(formula, mode="eval")) if isinstance(node, ast.Name)) if formula else frozenset()


def _is_day(period: Period) -> bool:
    return period.start == period.end and not period.is_month


def _surely(true: bool, false: bool) -> bool | None:
    return True if true else False if false else None


def _same_type(catalog: Catalog, one: str, other: str) -> bool:
    return bool(one and other) and catalog.units[one][0] == catalog.units[other][0]


def _told(result: Result) -> Said:
    if result.text is None:
        return Said(f"{result.title.zh}：无法核算", f"{result.title.en}: {result.missing or 'not computable'}")
    word = {True: Said("成立", "true"), False: Said("不成立", "false"), None: Said("未定", "open")}[result.holds]
    joined = Said(f"，结合 {'、'.join(result.claims)}", f", with {', '.join(result.claims)}") if result.claims else _NOTHING
    return Said(f"{result.title.zh} = {result.text.zh}{joined.zh}（{word.zh}）", f"{result.title.en} = {result.text.en}{joined.en} ({word.en})")


def _source(used: Used) -> str:
    value = "" if used.value is None else f" {shown(used.value.middle)}"
    return f"{used.name} {used.day}{value} ({used.printed_by or used.claim_id})"
