"""The page as data: everything it says of one commodity and day, read from published rows known at the decision, before anything is drawn.

HTML, workbook and picture are made from it and read no row themselves. What a row means is the marts' business.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from ingest.catalog.documents import SERIES, catalog_files, commodity, commodity_files, load, parsed
from ingest.catalog.schemas import ParametersFile, RegionsFile, ReleasesFile, SeriesFile
from ingest.catalog.scoring import Effect, Rule, RulesFile
from ingest.source import ConfigurationError
from serving.research import wording as words
from serving.research.note.ahead import Ahead, ahead
from serving.research.note.charts import Chart, draw
from serving.research.note.indicators import Reading, Readings, read
from serving.research.note.known import Known, NoteError, Row, known_at
from serving.research.note.paragraph import Sentence, component_name, conditions, headline, horizon, stance
from serving.research.terms import metric_value, term
from serving.research.wording import Said, number, say

_HORIZON_ORDER = "case horizon when 'short' then 1 when 'medium' then 2 else 3 end"
_EFFECTS = {
    "flag": Said("风险", "risk"),
    "weaken": Said("减弱", "weakens"),
    "watch": Said("关注", "watch"),
    "conflict": Said("矛盾", "conflict"),
    "alert": Said("预警", "alert"),
    "tail": Said("尾部", "tail"),
    "volatility": Said("波动", "volatility"),
    "reject": Said("不予发布", "rejected"),
}
PARAMETERS = (
    "change_window_sessions", "fact_maximum_age_sessions", "percentile_minimum_sessions", "percentile_window_sessions", "series_maximum_age_days",
)  # fmt: skip
"""Thresholds of the catalogue that the note's badges and windows follow."""
KEY = ("close", "open_interest", "receipts", "spot_index", "premium@close", "profit", "volume", "squeeze_ratio", "settlement")
"""Figures a desk reads first, the six first of them that are known stand under the headline."""
TRADE = "customs__monthly_trade"


@dataclass(frozen=True)
class Level:
    """A price people look at: what it is, on which side of the close, and how far away."""

    price: float
    name: Said
    side: Said
    distance: float | None
    distance_pct: float | None


@dataclass(frozen=True)
class Source:
    """What a source had given by the decision: newest day and when it was known."""

    what: Said
    provider: Said
    newest: date
    known_at: Any
    days: int


@dataclass(frozen=True)
class Page:
    """One commodity and day."""

    known: Known
    name: Said
    outlook: Sequence[Row]
    headline: Sentence
    key: Sequence[Reading]
    cards: Sequence[Mapping[str, Any]]
    calls: Sequence[Mapping[str, Any]]
    changes: Sequence[Row]
    figures: Sequence[Chart]
    charts: Sequence[Chart]
    components: Sequence[Row]
    rules: Sequence[Mapping[str, Any]]
    levels: Sequence[Level]
    ahead: Sequence[Ahead]
    readings: Readings
    events: Sequence[Row]
    alerts: Sequence[Row]
    held: Sequence[Row]
    sources: Sequence[Source]
    publication: Row | None
    restated: int
    """Prints in force at the decision that were restated later; they are left out."""

    @property
    def first(self) -> Row:
        """The row of the nearest horizon: what all horizons share stands in it."""
        return self.outlook[0]

    @property
    def is_sample(self) -> bool:
        """Whether any of it is simulated."""
        return any(row["data_origin"] == "sample" for row in self.outlook)

    @property
    def late(self) -> list[Reading]:
        """What of the day's figures is late, stale or missing."""
        return [one for one in self.readings.all().values() if one.level != "ok"]


def compose(
    con: duckdb.DuckDBPyConnection, overlay: Path | None, day: date | None = None, commodity_code: str | None = None, *, drawn: bool = True
) -> Page:
    """Read a page from an open release; without charts where they are not `drawn`.

    Raises NoteError when the release has no outlook of that day or commodity or a catalogue file cannot be read.
    """
    try:
        own: dict[str, dict[str, float]] = {}
        for row in load(ParametersFile, overlay).parameter:
            own.setdefault(row.commodity, {})[row.name] = row.value
        general = {name: own["*"][name] for name in PARAMETERS}
        regions = {code: {"zh": names.zh, "en": names.en} for code, names in load(RegionsFile, overlay).regions.items()}
        rules = {rule.id: _rule(rule) for rule in load(RulesFile, overlay).rule}
        released = {month: day for table in load(ReleasesFile, overlay).timetable if table.dataset == TRADE for month, day in table.released.items()}
        mapped = _mapped(overlay)
    except ConfigurationError as error:
        raise NoteError(str(error)) from None
    except KeyError as error:
        raise NoteError(f"catalogue file parameters.toml has no parameter {error} for all commodities") from None
    known = known_at(con, day, commodity_code, lambda code: general | own.get(code, {}), regions)
    printed = mapped.get(known.commodity_code, ([], []))
    outlook = known.rows(f"select * from serving.outlook_v2 where commodity_code = $code and as_of_date = $day order by {_HORIZON_ORDER}")
    scenarios = known.rows(_SCENARIOS)
    told = _rules(known, rules, outlook, scenarios)
    risks = [rule["scenario"] for rule in told if rule["is_risk"] and rule["scenario"]]
    levels, readings = _levels(known, outlook[0]), read(known)
    components = [
        row | {"name": component_name(row).title, "value": metric_value(row["signal"], row["signal_value"], row["unit"])}
        for row in known.rows(_COMPONENTS)
    ]
    names = {row["driver"]: row["name"] for row in components}
    drawings = draw(known, [(level.price, level.name) for level in levels]) if drawn else ([], [])
    return Page(
        known=known,
        name=_commodity(known),
        outlook=outlook,
        headline=headline(known, outlook, risks, scenarios),
        key=[found for code in KEY if (found := readings.all().get(code)) and found.figure is not None][:6],
        cards=[_card(known, row) for row in outlook],
        calls=_calls(known, outlook),
        changes=[
            row | {"name": names.get(row["component"], Said(row["component_name_zh"], row["component_name"]).title)} for row in known.rows(_CHANGES)
        ],
        figures=drawings[0],
        charts=drawings[1],
        components=components,
        rules=told,
        levels=levels,
        ahead=ahead(known, released, has_trade="imports" in readings.all()),
        readings=readings,
        events=known.rows(_EVENTS),
        alerts=known.rows(_ALERTS),
        held=known.rows(_HELD),
        sources=_sources(known),
        publication=next(iter(known.rows("select * from serving.publication")), None),
        restated=known.restated(*printed),
    )


def _mapped(overlay: Path | None) -> dict[str, tuple[list[str], list[str]]]:
    """Give the vendors' series and the customs' codes of each commodity; raises ConfigurationError where a file is wrong."""
    files = [commodity(name, body) for name, body in commodity_files(overlay)]
    found = {one.commodity.commodity_code: ([row.series_id for row in one.series], [row.hs_code for row in one.customs]) for one in files}
    for row in (
        row for name, body in catalog_files(overlay) if name == SERIES and isinstance(own := parsed(name, body), SeriesFile) for row in own.series
    ):
        found.setdefault(row.commodity, ([], []))[0].append(row.series_id)
    return found


_COMPONENTS = """
    select * from serving.outlook_drivers
    where commodity_code = $code and as_of_date = $day and driver_kind = 'component'
    order by abs(coalesce(contribution, 0)) desc, driver
"""
_CHANGES = """
    select * from serving.outlook_changes where commodity_code = $code and as_of_date = $day order by abs(coalesce(contribution_change, 0)) desc, component
"""
# The strongest policy events behind the intensity, decayed as the score decays them.
_EVENTS = """
    select * from marts.fct_policy_events
    where commodity_code = $code and available_at <= $decision and intensity is not null and not is_repeat
    order by intensity * 0.5 ** ((select count(*) from marts.dim_trading_day where trade_date > event_date and trade_date <= $day) / half_life_sessions) desc
    limit 3
"""
_SCENARIOS = """
    select * from serving.outlook_scenarios where commodity_code = $code and as_of_date = $day
    order by case scenario_level when 'alert' then 1 when 'watch' then 2 else 3 end, rule_id
"""
_ALERTS = """
    select *, cleared_date is null or cleared_date > $day as is_raised
    from serving.alerts
    where commodity_code = $code and raised_date <= $day and raised_at <= $decision and (cleared_date is null or cleared_date >= $day)
    order by is_raised desc, raised_date desc, alert
"""
_HELD = """
    select series_name, series_id, obs_date, reason_en, reason_zh from serving.held_figures
    where held_at <= $decision and (freed_at is null or freed_at > $decision)
    order by held_at desc, held_id limit 5
"""
# What each table had of each source by the decision: its newest day, and when that was known.
_LOGGED = (
    ("kx", "fct_futures_daily", "trade_date", "source"),
    ("dailystock", "fct_receipts_daily", "trade_date", "source"),
    ("pm", "fct_members_daily", "trade_date", "source"),
    ("spot_price", "fct_spot_daily", "trade_date", "provider"),
    ("cost_profit", "fct_margin_daily", "trade_date", "provider"),
    ("capacity", "fct_capacity", "period_end", "provider"),
    ("inventory", "fct_inventory", "period_end", "provider"),
    ("gacc", "fct_trade_balance_monthly", "month", "source"),
    ("events", "fct_policy_events", "event_date", "source"),
)  # fmt: skip


def _sources(known: Known) -> list[Source]:
    found = []
    for feed, mart, day, provider in _LOGGED:
        rows = known.rows(
            f"""
            select {provider} as provider, max({day}) as newest, max(available_at) as known_at, count(distinct {day}) as days
            from marts.{mart} where commodity_code = $code and {day} <= $day and available_at <= $decision
            group by all having max({day}) is not null order by provider
            """
        )
        found += [Source(say(words.FEEDS, feed), say(words.SOURCES, row["provider"]), row["newest"], row["known_at"], row["days"]) for row in rows]
    return found


def _commodity(known: Known) -> Said:
    row = next(iter(known.rows("select name_zh, name_en from marts.dim_commodity where commodity_code = $code")), None)
    return Said(row["name_zh"], row["name_en"]) if row else Said(known.commodity_code, known.commodity_code)


def _card(known: Known, row: Row) -> dict[str, Any]:
    """Give one horizon's card: stance, forecast, interval, record, and the sentence of its own."""
    reasons = [word for word in (row["status_reason"] or "").split(";") if word]
    low, high = row["interval80_low_cny_t"], row["interval80_high_cny_t"]
    tails = {"up": Said("上行尾部风险", "upward tail risk"), "down": Said("下行尾部风险", "downward tail risk")}
    return {
        "row": row,
        "name": say(words.HORIZONS, row["horizon"]),
        "span": say(words.SPANS, row["horizon"]),
        "stance": stance(row).title,
        "status": say(words.STATUSES, row["status"]),
        "forecast": _forecast(row),
        "interval": None if low is None else f"{number(low, ',.0f')}–{number(high, ',.0f')}",
        "sentence": horizon(known, row),
        "reasons": [say(words.REASONS, word) for word in reasons],
        "missing": [say(words.BLOCKS, block) for block in (row["missing_blocks"] or "").split(";") if block],
        "notes": [
            *([tails[row["tail"]]] if row["tail"] in tails else []),
            *([Said("高波动", "high volatility")] if row["volatility_regime"] == "high" else []),
        ],
    }


def _forecast(row: Row) -> Said:
    """Give the forecast in a few words: a call with its probability, no edge, or why there is neither."""
    if row["call"]:
        probability = number(row["probability_up"], ".0%")
        return Said(f"上涨概率{probability}", f"rise {probability}")
    if row["call"] == 0:
        return Said("无优势", "no edge")
    return say(words.REASONS, (row["call_reason"] or "no_data").partition(":")[0])


def _levels(known: Known, row: Row) -> list[Level]:
    """Give the outlook's price levels, the trigger first, then the nearest ones; each named by all it is."""
    named: dict[float, list[Said]] = {}
    trigger, close = row["trigger_level_cny_t"], row["close_cny_t"]
    for level in known.rows(
        "select * from serving.outlook_drivers where commodity_code = $code and as_of_date = $day and driver_kind = 'level' order by driver"
    ):
        named.setdefault(float(level["signal_value"]), []).extend(say(words.LEVELS, kind) for kind in level["signal"].split(";"))
    if trigger is not None:
        named.setdefault(float(trigger), []).append(Said("触发", "trigger"))
    levels = []
    for price in sorted(named, key=lambda level: (level != trigger, abs(level - (close or 0.0)))):
        distance = None if close is None else price - close
        side = Said("–", "–") if distance is None else words.SIDES["resistance" if distance > 0 else "support"]
        name = Said("/".join(dict.fromkeys(one.zh for one in named[price])), "/".join(dict.fromkeys(one.en for one in named[price])))
        levels.append(Level(price, name, side, distance, None if distance is None or not close else 100 * distance / close))
    return levels


def _calls(known: Known, outlook: Sequence[Row]) -> list[dict[str, Any]]:
    """Give where each horizon's evidence leaned in the outlook before and leans now, with the risks that came and went; nothing without one before."""
    before = {
        row["horizon"]: row
        for row in known.rows(
            """
            select * from serving.outlook_v2
            where commodity_code = $code and as_of_date = (select max(as_of_date) from serving.outlook_v2 where commodity_code = $code and as_of_date < $day)
            """
        )
    }
    return [
        {
            "name": say(words.HORIZONS, now["horizon"]),
            "before": _leaned(was),
            "now": _leaned(now),
            "is_new": _leaned(was) != _leaned(now),
            "raised": [say(words.CODES, flag) for flag in _flags(now) if flag not in _flags(was)],
            "cleared": [say(words.CODES, flag) for flag in _flags(was) if flag not in _flags(now)],
        }
        for now in outlook
        if (was := before.get(now["horizon"]))
    ]


def _flags(row: Row) -> list[str]:
    return [flag for flag in (row["risk_flags"] or "").split(";") if flag]


def _leaned(row: Row) -> Said:
    """Give where a horizon's evidence leans in a few words."""
    told, lean = stance(row).title, "" if row["stance"] is None else f" {number(row['stance'], '+d')}"
    return Said(told.zh + lean, told.en + lean)


def _rule(rule: Rule) -> dict[str, Any]:
    """Give what the note tells of a rule: its names, the risks it flags and what else it does. One that weakens another's risk is none itself."""
    flags = [effect.text for effect in rule.effects if effect.effect == "flag"]
    return {
        "name": Said(rule.zh, rule.en),
        "flags": flags,
        "is_risk": bool(flags) and not any(effect.effect == "weaken" for effect in rule.effects),
        "effects": [_effect(effect) for effect in rule.effects if effect.effect != "flag"],
        "watches": [effect.text or "" for effect in rule.effects if effect.effect in ("watch", "alert", "conflict", "reject")],
    }


def _rules(known: Known, declared: Mapping[str, Mapping[str, Any]], outlook: Sequence[Row], scenarios: Sequence[Row]) -> list[dict[str, Any]]:
    """Give the rules that fired, each called by what it flags, with the conditions that decide it, the values they met and what may follow."""
    found = known.rows(
        "select distinct rule_id from serving.outlook_drivers where commodity_code = $code and as_of_date = $day and driver_kind = 'rule' order by rule_id"
    )
    weakened = set((outlook[0]["weakened_flags"] or "").split(";"))
    by_rule = {row["rule_id"]: row for row in scenarios}
    rules = []
    for rule_id in (row["rule_id"] for row in found):
        rule = declared.get(rule_id, {"name": Said(rule_id, rule_id), "flags": [], "is_risk": False, "effects": [], "watches": []})
        lines: dict[str, list[Row]] = {}
        for row in conditions(known, rule_id):
            value = metric_value(row["signal"], row["signal_value"], row["unit"])
            is_word = row["unit"] == words.TRUTH or not re.search(r"\d", value.en)
            held_against = "" if is_word else words.bound(row["condition_text"], as_share=value.en.endswith("%") and row["unit"] == "ratio")
            lines.setdefault(row["driver"].rsplit(".", 1)[0], []).append(row | {"value": value, "bound": held_against})
        codes = [*rule["flags"], *rule["watches"]]
        rules.append(
            {
                "id": rule_id,
                "title": say(words.CODES | words.REASONS, codes[0]).title if codes else rule["name"].title,
                "flags": [(flag, say(words.CODES, flag), flag in weakened) for flag in rule["flags"]],
                "is_risk": rule["is_risk"],
                "effects": rule["effects"],
                "scenario": by_rule.get(rule_id),
                "lines": list(lines.values()),
            }
        )
    order = {row["rule_id"]: place for place, row in enumerate(scenarios)}
    return sorted(
        rules, key=lambda rule: (not rule["is_risk"], order.get(rule["id"], len(order)), rule["id"][0], int(re.sub(r"\D", "", rule["id"]) or 0))
    )


def _effect(effect: Effect) -> Said:
    value = say(words.STATES | words.CODES, effect.text or "")
    if effect.effect == "tail":
        value, told = term("tail_risk"), value
        return Said(f"{words.HORIZONS.get(effect.horizon or '', Said('', '')).zh}{told.zh}{value.zh}", f"{value.en} {told.en}")
    said, over = say(_EFFECTS, effect.effect), words.HORIZONS.get(effect.horizon or "", Said("", ""))
    return Said(f"{over.zh}{said.zh} {value.zh}".strip(), f"{over.en.lower()} {said.en} {value.en}".strip())
