"""Score and rules: what `score.toml` and `rules.toml` hold, what they may not contradict, and their rows.

What a weight or threshold should be stands in those files; what is done with them, in SQL.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from ingest.catalog.schemas import CommodityCode, ForAll, Name, Profile, Sign
from quality.typed import Day, Document, Entry, Loc, NotNegative, Positive, Share, Text, Wrong, unknown

Rows = dict[str, list[dict[str, Any]]]

Horizon = Literal["short", "medium", "long", "*"]
COMPARATORS = {"=": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
# What an effect needs beside its name: a horizon, a text.
EFFECTS = {
    "flag": ("text",),
    "weaken": ("text",),
    "tail": ("horizon", "text"),
    "volatility": ("horizon", "text"),
    "watch": ("text",),
    "conflict": ("text",),
    "alert": ("text",),
    "reject": ("text",),
    "reason": ("text",),
}
# What rules did until the outlook told scenario, stance and forecast apart.
_LEFT = {
    "stance": "a rule makes a scenario and takes no stance: where the evidence leans stands in stances.toml",
    "confidence": "a rule makes a scenario and moves no confidence: that comes from the probability of a licensed call alone",
}
CONDITION = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(<=|>=|<>|!=|=|<|>)\s*(-?\d+(?:\.\d+)?)\s*")
_HASH_RANGE = 2**64


class Cap(Entry):
    """The most a block, or every block, may carry of all weight."""

    block: Name | ForAll = "*"
    share: Share
    commodity: ForAll | CommodityCode = "*"
    valid_from: Day | None = None


class Draws(Entry):
    """How the fixed draws of the weights are made."""

    count: Annotated[int, Field(ge=1)]
    seed: Text
    low: NotNegative
    high: Positive
    source: Text

    @model_validator(mode="after")
    def _in_order(self) -> "Draws":
        if self.low > self.high:
            raise ValueError(f"low {self.low:g} is above high {self.high:g}")
        return self


class Component(Entry):
    """One component of the score."""

    code: Text
    block: Name
    name: Text
    name_zh: Text
    signal: Name
    unit: Text
    weight: NotNegative
    sign: Sign
    profile: Profile
    maximum_age_sessions: Annotated[int, Field(ge=0)]
    commodity: ForAll | CommodityCode = "*"
    valid_from: Day | None = None


Dated = TypeVar("Dated", Cap, Component)


class ScoreFile(Document):
    """`score.toml`."""

    version: Text
    total_weight: Positive
    valid_from: Day
    source: Text
    cap: Annotated[list[Cap], Field(min_length=1)]
    draws: Draws
    component: Annotated[list[Component], Field(min_length=1)]

    def since(self, row: Cap | Component) -> date:
        """Give the day a row is in force from."""
        return row.valid_from or self.valid_from

    def contradictions(self) -> Iterator[Wrong]:
        """Give what does not add up: weights in force together, their caps, rows said twice."""
        yield from stands_twice("component", [(row.code, row.commodity, self.since(row)) for row in self.component])
        yield from stands_twice("cap", [(row.block, row.commodity, self.since(row)) for row in self.cap])
        blocks = {row.block for row in self.component}
        for number, cap in enumerate(self.cap):
            if cap.block not in ("*", *blocks):
                yield ("cap", number, "block"), unknown("block", cap.block, blocks)
        # A row for all, dated later, changes what is in force for a commodity with rows of its own.
        rows: list[Cap | Component] = [*self.component, *self.cap]
        for code, day in product(sorted({row.commodity for row in rows}), sorted({self.since(row) for row in rows})):
            yield from self._weights(code, day)

    def _weights(self, code: str, day: date) -> Iterator[Wrong]:
        """Hold the weights in force for one commodity on one day against their sum and the caps."""
        components, caps = self._in_force(self.component, "code", code, day), self._in_force(self.cap, "block", code, day)
        where = f"for commodity {code!r} on {day}"
        total = sum(row.weight for row in components)
        if abs(total - self.total_weight) > 1e-9:
            yield ("total_weight",), f"the weights {where} add up to {total:g}, total_weight says {self.total_weight:g}"
            return
        capped = {cap.block: cap for cap in caps}
        for block in sorted({row.block for row in components}):
            share = sum(row.weight for row in components if row.block == block) / total
            cap = capped.get(block) or capped.get("*")
            if cap is None:
                yield ("cap",), f"block {block!r} has no cap {where}"
            elif share > cap.share:
                place = next(number for number, row in enumerate(self.cap) if row is cap)
                yield ("cap", place, "share"), f"block {block!r} carries {share:.1%} of all weight {where}, the cap is {cap.share:.0%}"

    def _in_force(self, rows: list[Dated], key: str, code: str, day: date) -> list[Dated]:
        """Give the rows that hold for one commodity on one day: its own before those for all, the newest of each key."""
        found: dict[str, Dated] = {}
        for row in sorted(rows, key=lambda row: (row.commodity != "*", self.since(row))):
            if row.commodity in ("*", code) and self.since(row) <= day:
                found[getattr(row, key)] = row
        return list(found.values())


class RuleMetric(Entry):
    """A metric rules may name."""

    name: Name
    unit: Text
    en: Text
    zh: Text


def condition(line: str) -> str:
    """Hold a line of a rule against the form of a condition; raises ValueError for one that is none."""
    for part in line.split(" or "):
        if not CONDITION.fullmatch(part):
            raise ValueError(f'{part.strip()!r} is not a condition such as "score >= 40"')
    return line


def _effect(name: str) -> str:
    if name not in EFFECTS:
        raise ValueError(_LEFT.get(name.partition("_")[0]) or unknown("effect", name, EFFECTS))
    return name


class Effect(Entry):
    """What a rule does."""

    effect: Annotated[str, AfterValidator(_effect), WithJsonSchema({"enum": list(EFFECTS)})]
    horizon: Horizon | None = None
    text: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")] | None = None

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "Effect":
        needs = EFFECTS[self.effect]
        if {name for name in ("horizon", "text") if getattr(self, name) is not None} != set(needs):
            raise ValueError(f"{self.effect} takes {' and '.join(needs)} beside its name, and nothing else")
        return self


class Told(Entry):
    """A sentence in both languages."""

    zh: Text
    en: Text


class Scenario(Entry):
    """What may follow where a rule holds: if … then …, and what would end it. It names no direction of the price and no probability."""

    level: Literal["note", "watch", "alert"]
    if_: Annotated[Told, Field(alias="if")]
    then: Told
    invalidated_by: Told
    shows: list[Name] = []
    """Metrics printed beside those of the rule's conditions."""
    study: Text | None = None
    """Event study over all products that tells what followed earlier."""
    no_study: Name | None = None
    """Why there can be none: what the rule reads that no exchange file has of every product."""

    @model_validator(mode="after")
    def _has_a_study_or_says_why_not(self) -> "Scenario":
        if self.study is not None and self.no_study is not None:
            raise ValueError("study and no_study exclude each other")
        return self


class Rule(Entry):
    """Conditions, and effects where all of them hold; one without effects retires the rule."""

    id: Text
    en: Text
    zh: Text
    when: Annotated[list[Annotated[str, AfterValidator(condition)]], Field(min_length=1)]
    effects: list[Effect]
    scenario: Scenario | None = None
    valid_from: Day | None = None
    source: Text | None = None

    @model_validator(mode="after")
    def _flags_have_a_scenario(self) -> "Rule":
        flags = [effect.text for effect in self.effects if effect.effect == "flag"]
        if flags and self.scenario is None:
            raise ValueError(f"a rule that flags {flags[0]} says what may follow: key scenario is missing")
        if self.scenario is not None and self.code is None:
            raise ValueError("a scenario goes with a rule that flags or watches something")
        return self

    @property
    def code(self) -> str | None:
        """What the scenario is called: the rule's first flag, or where it has none what it watches."""
        for kind in ("flag", "watch"):
            for effect in self.effects:
                if effect.effect == kind:
                    return effect.text
        return None

    @property
    def conditions(self) -> list[tuple[int, int, str, str, float]]:
        """Line, alternative within it, metric, comparator and threshold of each condition."""
        return [
            (line, alternative, match[1], COMPARATORS[match[2]], float(match[3]))
            for line, text in enumerate(self.when, start=1)
            for alternative, part in enumerate(text.split(" or "), start=1)
            if (match := CONDITION.fullmatch(part))
        ]


class RulesFile(Document):
    """`rules.toml`."""

    version: Text
    valid_from: Day
    source: Text
    metric: Annotated[list[RuleMetric], Field(min_length=1)]
    rule: list[Rule]

    def since(self, rule: Rule) -> date:
        """Give the day a rule is in force from."""
        return rule.valid_from or self.valid_from

    def contradictions(self) -> Iterator[Wrong]:
        """A rule names metrics there are, and stands once from a day on."""
        metrics = {row.name for row in self.metric}
        yield from stands_twice("metric", [(row.name,) for row in self.metric])
        yield from stands_twice("rule", [(rule.id, self.since(rule)) for rule in self.rule])
        for number, rule in enumerate(self.rule):
            for line, _, metric, _, _ in rule.conditions:
                if metric not in metrics:
                    yield ("rule", number, "when", line - 1), unknown("metric", metric, metrics)
            for place, metric in enumerate(rule.scenario.shows if rule.scenario else ()):
                if metric not in metrics:
                    yield ("rule", number, "scenario", "shows", place), unknown("metric", metric, metrics)


def stands_twice(place: str, keys: list[tuple[Any, ...]]) -> Iterator[Wrong]:
    """Name each entry of a list whose key stands before it."""
    first: dict[tuple[Any, ...], int] = {}
    for number, key in enumerate(keys):
        if first.setdefault(key, number) != number:
            loc: Loc = (place, number)
            yield loc, f"{' '.join(str(part) for part in key if part != '*')} stands in entry {first[key] + 1} of [[{place}]] already"


def score_rows(file: ScoreFile, document: Mapping[str, Any]) -> Rows:
    """Give components and weight draws; `document` is the file as TOML says it, which the fingerprints are made of."""
    names = sorted({row.code for row in file.component})
    return {
        "catalog__score_components": [
            {
                "commodity_code": row.commodity,
                "valid_from": file.since(row),
                "component": row.code,
                "component_name": row.name,
                "component_name_zh": row.name_zh,
                "block": row.block,
                "signal": row.signal,
                "unit": row.unit,
                "weight": row.weight,
                "sign": row.sign,
                "profile": row.profile,
                "maximum_age_sessions": row.maximum_age_sessions,
                "fingerprint": fingerprint(said),
                "config_version": file.version,
                "source_note": file.source,
            }
            for row, said in zip(file.component, document["component"], strict=True)
        ],
        "catalog__weight_draws": [
            {"draw": draw, "component": name, "factor": _uniform(f"{file.draws.seed}:{draw}:{name}", file.draws.low, file.draws.high)}
            for draw in range(1, file.draws.count + 1)
            for name in names
        ],
    }


def rule_rows(file: RulesFile, document: Mapping[str, Any]) -> Rows:
    """Give metrics, rules, conditions and effects; `document` as in `score_rows`."""
    return {
        "catalog__rule_metrics": [{"metric": row.name, "metric_name": row.en, "metric_name_zh": row.zh, "unit": row.unit} for row in file.metric],
        "catalog__rules": [
            {
                "rule_id": rule.id,
                "valid_from": file.since(rule),
                "rule_name": rule.en,
                "rule_name_zh": rule.zh,
                "fingerprint": fingerprint(said),
                "config_version": file.version,
                "source_note": rule.source or file.source,
            }
            for rule, said in zip(file.rule, document["rule"], strict=True)
        ],
        "catalog__rule_conditions": [
            {
                "rule_id": rule.id,
                "valid_from": file.since(rule),
                "line": line,
                "alternative": alternative,
                "metric": metric,
                "comparator": comparator,
                "threshold": threshold,
            }
            for rule in file.rule
            for line, alternative, metric, comparator, threshold in rule.conditions
        ],
        "catalog__rule_effects": [
            {
                "rule_id": rule.id,
                "valid_from": file.since(rule),
                "effect_index": index,
                "effect": effect.effect,
                "horizon": effect.horizon,
                "effect_text": effect.text,
            }
            for rule in file.rule
            for index, effect in enumerate(rule.effects, start=1)
        ],
        "catalog__scenarios": [
            {
                "rule_id": rule.id,
                "valid_from": file.since(rule),
                "scenario": rule.code,
                "scenario_level": told.level,
                "if_text_en": told.if_.en,
                "if_text_zh": told.if_.zh,
                "then_text_en": told.then.en,
                "then_text_zh": told.then.zh,
                "invalidated_by_en": told.invalidated_by.en,
                "invalidated_by_zh": told.invalidated_by.zh,
                "study": told.study,
                "no_study": told.no_study,
            }
            for rule in file.rule
            if (told := rule.scenario)
        ],
        "catalog__scenario_figures": [
            {"rule_id": rule.id, "valid_from": file.since(rule), "place": place, "metric": metric}
            for rule in file.rule
            if rule.scenario
            for place, metric in enumerate(dict.fromkeys([*(metric for _, _, metric, _, _ in rule.conditions), *rule.scenario.shows]), start=1)
        ],
    }


def fingerprint(row: Mapping[str, Any]) -> str:
    """Give a short hash of what a row says, whatever day it is in force from and wherever it comes from."""
    said = {name: value for name, value in row.items() if name not in ("valid_from", "source")}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()[:16]


def _uniform(name: str, low: float, high: float) -> float:
    """Give a number between low and high that only the name decides, the same on every machine."""
    return low + (high - low) * int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / _HASH_RANGE
