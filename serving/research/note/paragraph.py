"""What the page says in sentences: the first paragraph and a sentence for each horizon, composed from published rows.

Every number in them is a `Figure` that names the row and column it is of, so that a reader, and a test, can look it up. The sentences stand
in `words.toml`; here is only which rows fill them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from serving.research import wording as words
from serving.research.note.known import Known, Row
from serving.research.terms import TERMS, amount, metric_name, metric_value, state
from serving.research.wording import PARAGRAPH, Said, number, say

DRIVERS, LEVELS, CONDITIONS, RISKS, ENDS = 3, 2, 2, 4, 2
"""How many of each a paragraph names; more is no headline."""


@dataclass(frozen=True)
class Figure:
    """A number as it is written, and the row it is of."""

    text: str
    value: float
    table: str
    column: str
    key: str
    """Columns and values that find the row, as a query string."""


Part = str | Figure
Parts = tuple[Part, ...]


@dataclass(frozen=True)
class Sentence:
    """A text in both languages, as parts: words, and figures bound to their rows."""

    zh: Parts = ()
    en: Parts = ()

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)

    @property
    def plain(self) -> Said:
        """The same as mere text."""
        return Said(_plain(self.zh), _plain(self.en))


def _plain(parts: Parts) -> str:
    return "".join(part if isinstance(part, str) else part.text for part in parts)


def said(text: Said) -> Sentence:
    """Give words alone as a sentence."""
    return Sentence((text.zh,), (text.en,))


def figure(text: Said, value: Any, table: str, column: str, **key: Any) -> Sentence:
    """Give a number as a sentence, bound to its row."""
    named = urlencode(key)
    return Sentence((Figure(text.zh, float(value), table, column, named),), (Figure(text.en, float(value), table, column, named),))


def fill(name: str, /, **places: Sentence) -> Sentence:
    """Put what is told into the places of a sentence of the catalogue."""
    return Sentence(
        _filled(PARAGRAPH[name].zh, {place: one.zh for place, one in places.items()}),
        _filled(PARAGRAPH[name].en, {place: one.en for place, one in places.items()}),
    )


def _filled(text: str, places: Mapping[str, Parts]) -> Parts:
    parts: list[Part] = []
    for words_, place in re.findall(r"([^{}]*)(?:\{(\w+)\})?", text):
        parts += [words_] if words_ else []
        parts += places[place] if place else ()
    return tuple(parts)


def joined(sentences: Sequence[Sentence], between: str = "separator") -> Sentence:
    """Put several after each other with a separator of the catalogue, or nothing, between them."""
    apart = PARAGRAPH[between] if between else Said("", " ")
    zh: list[Part] = []
    en: list[Part] = []
    for place, one in enumerate(sentences):
        zh += [*((apart.zh,) if place and apart.zh else ()), *one.zh]
        en += [*((apart.en,) if place and apart.en else ()), *one.en]
    return Sentence(tuple(zh), tuple(en))


OUTLOOK, DRIVER = "serving.outlook_v2", "serving.outlook_drivers"
_FUTURES = """
    select * from marts.fct_futures_daily
    where commodity_code = $code and is_dominant and trade_date = $quotes and available_at <= $decision
"""


def headline(known: Known, outlook: Sequence[Row], risks: Sequence[Row], scenarios: Sequence[Row]) -> Sentence:
    """Compose the first paragraph: what happened, where the evidence leans, what drives it, levels, the chief risk, and what would change the mind.

    `risks` are scenarios that count as one, the gravest first; `scenarios` all of them. What is not known is left out; a rejected day says why.
    """
    row = outlook[0]
    if row["status"] == "rejected":
        return said(Said(row["headline_zh"] or "", row["headline_en"] or ""))
    parts = [
        *_market(known, row),
        fill("views", views=joined([_view(known, one) for one in outlook], "views_between")),
        *_drivers(known, row),
        *_levels(known),
        _risk(known, risks[0]) if risks else fill("no_risk"),
        fill("more_risks", risks=joined([said(say(words.CODES, one["scenario"])) for one in risks[1 : 1 + RISKS]])) if risks[1:] else Sentence(),
        *_mind(risks, scenarios),
    ]
    return joined([part for part in parts if part], "")


def _market(known: Known, row: Row) -> list[Sentence]:
    key = {"commodity_code": known.commodity_code, "as_of_date": known.day, "horizon": row["horizon"]}
    told: list[Sentence] = []
    if row["close_cny_t"] is not None and row["ret_c_ps_pct"] is not None:
        change_close = row["ret_cc_1d_pct"]
        told.append(
            fill(
                "closed",
                contract=said(Said(*[row["dominant_contract"] or ""] * 2)),
                close=figure(amount(row["close_cny_t"], "CNY/t", ",.0f"), row["close_cny_t"], OUTLOOK, "close_cny_t", **key),
                change=figure(amount(row["ret_c_ps_pct"], "pct", ".2f", signed=True), row["ret_c_ps_pct"], OUTLOOK, "ret_c_ps_pct", **key),
                change_close=said(Said("–", "–"))
                if change_close is None
                else figure(amount(change_close, "pct", ".2f", signed=True), change_close, OUTLOOK, "ret_cc_1d_pct", **key),
            )
        )
    traded = next(iter(known.rows(_FUTURES, quotes=row["quotes_date"])), None) if row["quotes_date"] else None
    if traded and None not in (traded["volume_lots"], traded["open_interest_lots"], traded["open_interest_change_lots"]):
        of = {"contract_code": traded["contract_code"], "trade_date": traded["trade_date"]}

        def lots(column: str, *, signed: bool = False) -> Sentence:
            return figure(amount(traded[column], "lots", signed=signed), traded[column], "marts.fct_futures_daily", column, **of)

        told.append(
            fill("traded", volume=lots("volume_lots"), interest=lots("open_interest_lots"), change=lots("open_interest_change_lots", signed=True))
        )
    held = next(
        iter(
            known.rows(
                "select trade_date, receipts_t, receipts_change_t from marts.fct_receipts_daily "
                "where commodity_code = $code and trade_date = $date and available_at <= $decision",
                date=row["receipts_date"],
            )
        ),
        None,
    )
    if held and held["receipts_t"] is not None:
        of = {"commodity_code": known.commodity_code, "trade_date": held["trade_date"]}

        def tonnes(column: str, *, signed: bool = False) -> Sentence:
            return figure(amount(held[column], "t", ",.0f", signed=signed), held[column], "marts.fct_receipts_daily", column, **of)

        change = (
            Sentence()
            if held["receipts_change_t"] is None
            else fill("receipts_same")
            if held["receipts_change_t"] == 0
            else fill("receipts_change", change=tonnes("receipts_change_t", signed=True))
        )
        told.append(fill("receipts", receipts=tonnes("receipts_t"), change=change))
    return told


def stance(row: Row) -> Said:
    """Give where the evidence of a horizon leans, in the words of the trade."""
    found = None if row["stance"] is None else state(float(row["stance"]), TERMS["stance"].states)
    return found or say(words.DIRECTIONS, "undecided")


def _view(known: Known, row: Row) -> Sentence:
    horizon = words.say(words.HORIZONS, row["horizon"])
    leans = stance(row)
    told = fill("view", horizon=said(Said(horizon.zh, horizon.en.lower())), stance=said(Said(leans.zh, leans.en[:1].lower() + leans.en[1:])))
    if not row["call"]:
        return told
    key = {"commodity_code": known.commodity_code, "as_of_date": known.day, "horizon": row["horizon"]}
    probability = figure(Said(*[number(row["probability_up"], ".0%")] * 2), row["probability_up"], OUTLOOK, "probability_up", **key)
    called = fill("called", probability=probability)
    return Sentence(told.zh + called.zh, told.en + called.en)


def _drivers(known: Known, row: Row) -> list[Sentence]:
    """Name the parts of the score that weigh most, those on its side and those against it."""
    found = known.rows(
        """
        select * from serving.outlook_drivers
        where commodity_code = $code and as_of_date = $day and driver_kind = 'component' and abs(contribution) >= 1
        order by abs(contribution) desc, driver
        """
    )
    total = row["sentiment_score"]
    if not found or total is None:
        return []
    side = 1.0 if total >= 0 else -1.0
    with_it = [one for one in found if one["contribution"] * side > 0][:DRIVERS]
    against = [one for one in found if one["contribution"] * side < 0][: DRIVERS - 1]
    told = [("drivers", with_it), ("against", against)]
    return [fill(name, drivers=joined([_driver(known, one) for one in group])) for name, group in told if group]


def _driver(known: Known, row: Row) -> Sentence:
    key = {"commodity_code": known.commodity_code, "as_of_date": known.day, "driver_kind": row["driver_kind"], "driver": row["driver"]}
    name = component_name(row)
    value = metric_value(row["signal"], row["signal_value"], row["unit"])
    return fill(
        "driver",
        name=said(name),
        value=figure(value, row["signal_value"], DRIVER, "signal_value", **key),
        contribution=figure(Said(*[number(row["contribution"], "+.1f")] * 2), row["contribution"], DRIVER, "contribution", **key),
    )


def component_name(row: Row) -> Said:
    """Give what a driver is called."""
    return metric_name(row["signal"], row["driver_name"], row["driver_name_zh"])


def _levels(known: Known) -> list[Sentence]:
    """Name the nearest levels on either side of the close."""
    found = known.rows(
        """
        select d.*, abs(d.signal_value - o.close_cny_t) as distance, d.signal_value > o.close_cny_t as is_above
        from serving.outlook_drivers as d
        inner join serving.outlook_v2 as o on d.commodity_code = o.commodity_code and d.as_of_date = o.as_of_date and o.horizon = 'short'
        where d.commodity_code = $code and d.as_of_date = $day and d.driver_kind = 'level'
        order by distance, d.driver
        """
    )
    told = []
    for name, is_above in (("resistance", True), ("support", False)):
        if side := [one for one in found if one["is_above"] is is_above][:LEVELS]:
            told.append(fill(name, levels=joined([_level(known, one) for one in side])))
    return told


def _level(known: Known, row: Row) -> Sentence:
    key = {"commodity_code": known.commodity_code, "as_of_date": known.day, "driver_kind": "level", "driver": row["driver"]}
    kinds = [say(words.LEVELS, kind) for kind in row["signal"].split(";")]
    price = figure(Said(*[number(row["signal_value"], ",.0f")] * 2), row["signal_value"], DRIVER, "signal_value", **key)
    named = Said("（" + "/".join(one.zh for one in kinds) + "）", " (" + "/".join(one.en for one in kinds) + ")")
    return Sentence((*price.zh, named.zh), (*price.en, named.en))


def conditions(known: Known, rule_id: str) -> list[Row]:
    """Give the conditions of a rule that fired, each with whether it is met and its words."""
    found = known.rows(
        "select * from serving.outlook_drivers where commodity_code = $code and as_of_date = $day and driver_kind = 'rule' and rule_id = $rule order by driver",
        rule=rule_id,
    )
    return [row | {"is_met": words.is_met(row["condition_text"], row["signal_value"]), "name": component_name(row)} for row in found]


def _risk(known: Known, scenario: Row) -> Sentence:
    """Tell the gravest risk by its flag and the conditions that are met, never by the name of its rule: an alternative that is not known is no fact."""
    met = [row for row in conditions(known, scenario["rule_id"]) if row["is_met"]][:CONDITIONS]
    told = []
    for row in met:
        key = {"commodity_code": known.commodity_code, "as_of_date": known.day, "driver_kind": "rule", "driver": row["driver"]}
        value = metric_value(row["signal"], row["signal_value"], row["unit"])
        told.append(fill("risk_condition", name=said(row["name"]), value=figure(value, row["signal_value"], DRIVER, "signal_value", **key)))
    return fill(
        "risk",
        risk=said(say(words.CODES, scenario["scenario"])),
        conditions=joined(told),
        **{"if": said(Said(scenario["if_text_zh"], scenario["if_text_en"])), "then": said(Said(scenario["then_text_zh"], scenario["then_text_en"]))},
    )


def _mind(risks: Sequence[Row], scenarios: Sequence[Row]) -> list[Sentence]:
    """Tell what ends the trend that is read and the chief risk."""
    trends = [one for one in scenarios if one["rule_id"] not in {risk["rule_id"] for risk in risks} and one["scenario_level"] == "note"]
    chosen = [*trends[:1], *risks][:ENDS]
    ends = list(dict.fromkeys((one["invalidated_by_zh"], one["invalidated_by_en"]) for one in chosen))
    return [fill("mind", ends=joined([said(Said(zh, en)) for zh, en in ends], "sentences"))] if ends else []


def horizon(known: Known, row: Row) -> Sentence:
    """Say what a horizon's stance stands on: its parts on either side, those on neither, and those that are not known."""
    if row["stance"] is None:
        why = say(words.WHY | words.REASONS, (row["stance_reason"] or "no_data").partition(":")[0])
        return fill("no_stance", why=said(why)) if row["status"] != "rejected" else Sentence()
    found = known.rows(
        """
        select * from serving.outlook_drivers
        where commodity_code = $code and as_of_date = $day and driver_kind = 'stance' and split_part(driver, '.', 1) = $horizon
        order by abs(lean_value) desc nulls last, driver
        """,
        horizon=row["horizon"],
    )
    groups = {
        "stands_up": [one for one in found if one["lean_value"] is not None and one["lean_value"] > 0],
        "stands_down": [one for one in found if one["lean_value"] is not None and one["lean_value"] < 0],
        "stands_apart": [one for one in found if one["lean_value"] == 0],
        "unknown": [one for one in found if one["lean_value"] is None],
    }
    return (
        joined([fill(name, parts=joined([_part(known, one) for one in group])) for name, group in groups.items() if group], "")
        if found
        else Sentence()
    )


def _part(known: Known, row: Row) -> Sentence:
    name = Said(row["driver_name_zh"], row["driver_name"])
    if row["signal_value"] is None or (row["unit"] == words.TRUTH and row["signal_value"]):
        return said(name)  # what is true says so by its name
    key = {"commodity_code": known.commodity_code, "as_of_date": known.day, "driver_kind": "stance", "driver": row["driver"]}
    value = metric_value(row["signal"], row["signal_value"], row["unit"])
    return fill("part", name=said(name), value=figure(value, row["signal_value"], DRIVER, "signal_value", **key))
