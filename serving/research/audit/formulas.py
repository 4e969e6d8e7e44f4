"""Evaluating a definition: a small language of figures over the evidence, in exact interval arithmetic.

A name is a fact on the day, `close[-1]` one step of its grid before (a session, a month). `start(x)` is the period's first day, `base(x)` the
day a change is counted from: the session before a single day, the first day of a longer period, the last session before a week or month. `latest(x)`
the newest day it is known on, `latest(x, 1)` the newest before the day, `earliest(x)` the oldest within a trend, `mean|highest|lowest(x, n)`
over n sessions, `median|highest|lowest(x)` over the period, `lowest_known(x)` over all that was published. `note('metric')` is what the note
itself claims elsewhere. No figure is guessed: what is not held raises MissingError.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import cache

from ingest.catalog.calendar import Calendar
from serving.research.audit import interval
from serving.research.audit.facts import Event, Evidence
from serving.research.audit.interval import Interval, UndefinedError
from serving.research.audit.meanings import Catalog, CatalogError, Commodity, Fact

Value = Interval | bool | frozenset[str]
"""A figure, a truth, or tags."""


class MissingError(LookupError):
    """A figure the definition needs is not held; the message names it."""


@dataclass(frozen=True)
class Used:
    """A figure that went into a result, and from where: a publisher, or another claim of the same note."""

    name: str
    day: date
    value: Interval | None
    printed_by: str
    claim_id: str = ""


@dataclass
class Context:
    """Where a formula is evaluated: the claim's period and entity, the evidence, and what the note itself claims."""

    catalog: Catalog
    calendar: Calendar
    evidence: Evidence
    commodity: Commodity
    day: date
    start: date
    month: date
    as_of: date
    words: Mapping[str, str] = field(default_factory=dict)
    """contract, far (the second of a spread), hs, region, theme of the entity, clock of an intraday print."""
    claim: Interval | None = None
    claim_high: Interval | None = None
    base_day: date | None = None
    """Day a change is counted from."""
    guessed: list[str] = field(default_factory=list)
    """What was taken to be meant, where the claim leaves it open."""
    stated: Callable[[Fact, str, date], tuple[str, Interval] | None] = lambda fact, key, day: None
    """What another claim states of a fact."""
    claimed: Callable[[str], tuple[str, Interval] | None] = lambda metric: None
    """What another claim states of a metric for the same period."""
    mode: str = "evidence"
    """evidence; joined (claims fill what evidence lacks); note (claims before evidence)."""
    used: list[Used] = field(default_factory=list)


def evaluate(formula: str, context: Context) -> Value:
    """Give the value of a formula; raises MissingError for a figure that is not held, UndefinedError where there is no value."""
    return _Evaluator(context).value(_parsed(formula))


@cache
def _parsed(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


_COMPARE: Mapping[type, Callable[[Interval, Interval], bool | None]] = {
    ast.Gt: lambda a, b: True if a.low > b.high else False if a.high <= b.low else None,
    ast.GtE: lambda a, b: True if a.low >= b.high else False if a.high < b.low else None,
    ast.Lt: lambda a, b: True if a.high < b.low else False if a.low >= b.high else None,
    ast.LtE: lambda a, b: True if a.high <= b.low else False if a.low > b.high else None,
}
_ARITHMETIC: Mapping[type, Callable[[Interval, Interval], Interval]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
_WINDOWS: Mapping[str, Callable[[Sequence[Interval]], Interval]] = {
    "mean": interval.mean,
    "median": interval.median,
    "highest": interval.highest,
    "lowest": interval.lowest,
}


class _Evaluator:
    def __init__(self, context: Context) -> None:
        self.context = context

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.BoolOp():
                return self._all_or_any(node)
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in _COMPARE:
                held = _COMPARE[type(operator)](self.number(left), self.number(right))
                if held is None:
                    raise UndefinedError("the printed figures are too coarse to tell")
                return held
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords):
                return self._call(name, arguments, {word.arg: str(ast.literal_eval(word.value)) for word in keywords if word.arg})
            case _:
                return self.number(node)

    def number(self, node: ast.expr) -> Interval:
        match node:
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _ARITHMETIC:
                return _ARITHMETIC[type(operator)](self.number(left), self.number(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.number(operand)
            case ast.Constant(value=int() | float() as constant):
                return Interval.of(Fraction(str(constant)))
            case ast.Name(id=name):
                return self._name(name, 0)
            case ast.Subscript(value=ast.Name(id=name), slice=step):
                return self._name(name, int(ast.literal_eval(step)))
            case ast.Call():
                found = self.value(node)
                if isinstance(found, Interval):
                    return found
        raise CatalogError(f"{ast.unparse(node)} is not a figure")

    def _all_or_any(self, node: ast.BoolOp) -> bool:
        wanted, results = isinstance(node.op, ast.And), list[bool]()
        for part in node.values:
            found = self.value(part)
            if not isinstance(found, bool):
                raise CatalogError(f"{ast.unparse(part)} is neither true nor false")
            if found != wanted:
                return found
            results.append(found)
        return wanted

    def _name(self, name: str, steps: int) -> Interval:
        context = self.context
        if name in ("claim", "claim_high"):
            figure = context.claim if name == "claim" else context.claim_high
            if figure is None:
                raise MissingError("the claim states no figure" if name == "claim" else "the claim states no range")
            return figure
        if name == "contract_size_t":
            return Interval.of(context.commodity.contract_size_t)
        if name in context.catalog.constants:
            return context.catalog.constants[name]
        fact = context.catalog.facts.get(name)
        if fact is None:
            raise CatalogError(f"{name} is no fact and no constant of the catalogue")
        return self._figure(fact, self._day(fact, steps))

    def _day(self, fact: Fact, steps: int) -> date:
        context = self.context
        if fact.grid == "month":
            place = context.month.year * 12 + context.month.month - 1 + steps
            return date(place // 12, place % 12 + 1, 1)
        if steps == 0:
            return context.day
        sessions = self._sessions(context.day)
        place = len(sessions) - 1 + steps
        if place < 0:
            raise MissingError(f"{fact.name}: no session {-steps} before {context.day}")
        return sessions[place]

    def _sessions(self, until: date) -> list[date]:
        return self.context.calendar.between(self.context.calendar.first_day, until)

    def _key(self, fact: Fact) -> str:
        context = self.context
        if fact.commodity and fact.commodity != context.commodity.code:
            raise MissingError(f"{fact.name} is a series of {fact.commodity}, the claim is about {context.commodity.code}")
        try:
            return fact.key.format(commodity=context.commodity.code, **context.words)
        except KeyError as error:
            raise MissingError(f"{fact.name}: the claim's entity names no {error.args[0]}") from None

    def _figure(self, fact: Fact, day: date) -> Interval:
        context, key = self.context, self._key(fact)
        observed = context.evidence.on(fact, key, day)
        if observed and fact.copy_of and self._is_copy(fact, day, observed.value):
            observed = None
        stated = context.stated(fact, key, day) if context.mode != "evidence" else None
        if stated and (context.mode == "note" or observed is None):
            context.used.append(Used(fact.name, day, stated[1], "", stated[0]))
            return stated[1]
        if observed is None:
            raise MissingError(f"{fact.name} of {key} on {day} is not held from another publisher")
        context.used.append(Used(fact.name, day, observed.value, observed.printed_by))
        return observed.value

    def _is_copy(self, fact: Fact, day: date, value: Interval) -> bool:
        original = self.context.catalog.facts[fact.copy_of]
        other = self.context.evidence.on(original, self._key(original), day)
        return other is not None and other.value == value

    def _at(self, node: ast.expr, day: date, *, mode: str | None = None) -> Interval:
        """Evaluate on another day; what a failed attempt used is forgotten."""
        context = self.context
        moved = replace(context, day=day, month=day.replace(day=1), used=[], mode=mode or context.mode)
        found = _Evaluator(moved).number(node)
        context.used += moved.used
        return found

    def _span(self, arguments: Sequence[ast.expr]) -> list[Interval]:
        """The figures of a window: n sessions up to the day of `x` or `x[-1]`, or those of the period."""
        context, node = self.context, arguments[0]
        days: list[date]
        if len(arguments) == 1:
            days = context.calendar.between(context.start, context.day)
        else:
            last = context.day
            if isinstance(node, ast.Subscript):
                back = 1 - int(ast.literal_eval(node.slice))
                sessions = self._sessions(context.day)
                if back > len(sessions):
                    raise MissingError(f"{ast.unparse(node)}: the calendar does not reach so far back")
                last = sessions[-back]
                node = node.value
            length = int(ast.literal_eval(arguments[1]))
            days = self._sessions(last)[-length:]
        if not days:
            raise MissingError(f"{ast.unparse(node)}: no session in the period")
        return [self._at(node, day) for day in days]

    def _seek(self, node: ast.expr, days: Sequence[date]) -> Interval:
        for day in days:
            try:
                return self._at(node, day, mode="evidence")
            except MissingError:
                continue
        raise MissingError(f"{ast.unparse(node)} is not held from another publisher near {self.context.day}")

    def _base(self, node: ast.expr) -> Interval:
        """The figure a change is counted from; of a series on days of its own, for a single day the one before it."""
        context = self.context
        grids = {context.catalog.facts[name.id].grid for name in ast.walk(node) if isinstance(name, ast.Name) and name.id in context.catalog.facts}
        if "any" in grids and context.start == context.day:
            context.guessed.append(f"the figure of {ast.unparse(node)} before {context.day} is the last that is held")
            return self._seek(node, self._near(node, 1))
        if grids == {"month"}:
            return self._at(node, context.month - timedelta(days=1))
        if context.base_day is None:
            raise MissingError(f"no session before {context.start}")
        return self._at(node, context.base_day)

    def _near(self, node: ast.expr, skipped: int = 0) -> list[date]:
        """Days on which a figure still counts, newest first; the catalogue's maximum ages say which."""
        context = self.context
        grids = {context.catalog.facts[name.id].grid for name in ast.walk(node) if isinstance(name, ast.Name) and name.id in context.catalog.facts}
        if grids <= {"session"}:
            sessions = self._sessions(context.day)
            return sessions[::-1][skipped : skipped + int(context.catalog.parameters["fact_maximum_age_sessions"]) + 1]
        age = int(context.catalog.parameters["series_maximum_age_days"])
        return [context.day - timedelta(days=n) for n in range(skipped, age + 1)]

    def _call(self, name: str, arguments: Sequence[ast.expr], words: Mapping[str, str]) -> Value:
        context = self.context
        match name:
            case "start":
                return self._at(arguments[0], context.start)
            case "base":
                return self._base(arguments[0])
            case "latest":
                return self._seek(arguments[0], self._near(arguments[0], int(ast.literal_eval(arguments[1])) if len(arguments) > 1 else 0))
            case "earliest":
                return self._seek(arguments[0], self._sessions(context.day)[-int(context.catalog.constants["trend_sessions"].middle) :])
            case "lowest_known":
                fact = context.catalog.facts.get(getattr(arguments[0], "id", ""))
                if fact is None:
                    raise CatalogError(f"{ast.unparse(arguments[0])} is no fact of the catalogue")
                days = context.evidence.days(fact, self._key(fact), context.day)
                if not days:
                    raise MissingError(f"{fact.name}: no figure up to {context.day} is held from another publisher")
                return interval.lowest([self._at(arguments[0], day, mode="evidence") for day in days])
            case "mean" | "median" | "highest" | "lowest":
                return _WINDOWS[name](self._span(arguments))
            case "abs":
                return abs(self.number(arguments[0]))
            case "same":
                return self.number(arguments[0]).meets(self.number(arguments[1]))
            case "at_most":
                return self.number(arguments[0]).low <= self.number(arguments[1]).high
            case "note":
                return self._claimed(str(ast.literal_eval(arguments[0])))
            case "quadrant":
                return self._quadrant(self.number(arguments[0]), self.number(arguments[1]))
            case "events":
                return Interval.of(len(self._events(**words)))
            case "industries":
                counts = [event.n_industries for event in self._events() if event.n_industries is not None]
                if not counts:
                    raise MissingError(f"no event of {context.day} states a number of industries")
                return Interval.of(max(counts))
            case "stances":
                return frozenset(tag for event in self._events() for tag, pattern in context.catalog.stance_words if pattern.search(event.summary))
            case "followup":
                return self._followup()
            case "first_seen":
                return self._first_seen()
        raise CatalogError(f"{name} is no function of the audit")

    def _claimed(self, metric: str) -> Interval:
        found = self.context.claimed(metric) if self.context.mode != "evidence" else None
        if found is None:
            raise MissingError(f"the note claims no {metric} of the period")
        self.context.used.append(Used(metric, self.context.day, found[1], "", found[0]))
        return found[1]

    @staticmethod
    def _quadrant(price: Interval, interest: Interval) -> frozenset[str]:
        if price.low <= 0 <= price.high or interest.low <= 0 <= interest.high:
            return frozenset()
        states = {(True, True): "long_build", (True, False): "short_covering", (False, True): "short_build", (False, False): "long_liquidation"}
        return frozenset({states[price.low > 0, interest.low > 0]})

    def _events(self, *, authority: str = "", event_type: str = "", sector: str = "", theme: str = "", since: str = "") -> list[Event]:
        """Events of the period, or all known by its end, that fit."""
        context = self.context
        if not context.evidence.events:
            raise MissingError("no event is held")
        own = context.commodity.name_en.lower()
        wanted = context.words.get("theme", "") if theme == "entity" else theme
        found = [
            event
            for event in context.evidence.events
            if (since == "ever" or context.start <= event.day)
            and event.day <= context.day
            and authority in ("", event.authority)
            and event_type in ("", event.event_type)
            and (not sector or (own if sector == "own" else sector) in event.sectors)
            and wanted in ("", event.theme)
        ]
        for event in found:
            context.used.append(Used(event.event_id, event.day, None, event.printed_by))
        if not found:
            context.used.append(Used(f"none of {len(context.evidence.events)} events", context.day, None, "event table"))
        return found

    def _followup(self) -> frozenset[str]:
        context = self.context
        known = [event for event in context.evidence.events if event.day <= context.as_of]
        plans = [event for event in known if event.event_type == "plan" and event.authority == "ministry"]
        if not plans:
            raise MissingError("no plan of a ministry is held")
        newest = max(plans, key=lambda event: event.day)
        context.used.append(Used(newest.event_id, newest.day, None, newest.printed_by))
        return frozenset({"published" if any(event.followup_of == newest.event_id for event in known) else "pending"})

    def _first_seen(self) -> bool:
        context = self.context
        theme = context.words.get("theme")
        days = sorted((event.day, event.event_id, event.printed_by) for event in context.evidence.events if event.theme == theme)
        if not theme or not days:
            raise MissingError("no event of the theme is held")
        day, event_id, printed_by = days[0]
        if day > context.day:
            raise MissingError(f"the first event of the theme that is held is of {day}; earlier ones may not be held")
        context.used.append(Used(event_id, day, None, printed_by))
        return context.start <= day <= context.day
