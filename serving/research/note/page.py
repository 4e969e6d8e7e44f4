"""The note as one HTML file: figures, charts and words in both languages, nothing to load, nothing that could reach outside.

Everything that comes from data is escaped: markup by the template engine, charts' data as JSON that holds no `<`. A content security policy
that names the page's own two scripts by hash forbids any other script and every request.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from ingest.catalog.documents import load
from ingest.catalog.schemas import ParametersFile, RegionsFile
from ingest.catalog.scoring import Effect, Rule, RulesFile
from ingest.files import write_atomic
from ingest.settings import Settings
from ingest.source import ConfigurationError
from serving.read import connect
from serving.research import wording as words
from serving.research.note.bundle import bundle
from serving.research.note.charts import CONFIG, draw
from serving.research.note.indicators import GROUPS, read
from serving.research.note.known import Known, NoteError, Row, known_at
from serving.research.wording import Said, number, say

FILE_NAME = "note.html"
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
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


def write_note(settings: Settings, day: date | None = None, commodity_code: str | None = None) -> Path:
    """Write the note of a day (default the newest published one) into `notes/` of the home and give its path.

    Raises NothingPublishedError without a release and NoteError when the release has no outlook of that day or commodity or a catalogue file cannot be read.
    """
    with connect(settings) as con:
        known, page = _make(con, day, commodity_code, settings.catalog_overlay)
    path = settings.root / "notes" / f"{known.commodity_code}-{known.day}.html"
    write_atomic(path, page.encode())
    return path


def render(con: duckdb.DuckDBPyConnection, overlay: Path | None, day: date | None = None, commodity_code: str | None = None) -> str:
    """Give the page from an open release; raises NoteError when it has no outlook of that day or commodity or a catalogue file cannot be read."""
    return _make(con, day, commodity_code, overlay)[1]


def _make(con: duckdb.DuckDBPyConnection, day: date | None, commodity_code: str | None, overlay: Path | None) -> tuple[Known, str]:
    import jinja2

    try:
        own: dict[str, dict[str, float]] = {}
        for row in load(ParametersFile, overlay).parameter:
            own.setdefault(row.commodity, {})[row.name] = row.value
        general = {name: own["*"][name] for name in PARAMETERS}
        regions = {code: {"zh": names.zh, "en": names.en} for code, names in load(RegionsFile, overlay).regions.items()}
        rules = {rule.id: _rule(rule) for rule in load(RulesFile, overlay).rule}
    except ConfigurationError as error:
        raise NoteError(str(error)) from None
    except KeyError as error:
        raise NoteError(f"catalogue file parameters.toml has no parameter {error} for all commodities") from None
    known = known_at(con, day, commodity_code, lambda code: general | own.get(code, {}), regions)
    outlook = known.rows(f"select * from serving.outlook_v2 where commodity_code = $code and as_of_date = $day order by {_HORIZON_ORDER}")
    shared = {language: _shared(outlook, language) for language in ("zh", "en")}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"number": number, "zh": lambda said: said.zh, "en": lambda said: said.en}
    script, library = (Path(__file__).parent / "page.js").read_text(encoding="utf-8"), bundle()
    page = environment.get_template("page.html").render(
        known=known,
        words=words,
        Said=Said,
        say=say,
        name=_commodity(known),
        first=outlook[0],
        is_sample=any(row["data_origin"] == "sample" for row in outlook),
        headline=Said("".join(shared["zh"]), " ".join(shared["en"])),
        horizons=[_horizon(row, [*shared["zh"], *shared["en"]]) for row in outlook],
        groups=read(known),
        monthly={one.signal for _, group in GROUPS for one in group if one.rhythm == "month" and one.signal},
        charts=draw(known, _levels(known, outlook[0])),
        json=_json,
        config=CONFIG,
        components=known.rows(_COMPONENTS),
        rules=_rules(known, rules, outlook),
        changes=known.rows(_CHANGES),
        calls=_calls(known, outlook),
        events=known.rows(_EVENTS),
        alerts=known.rows(_ALERTS),
        claims=_claims(known),
        sources=known.rows("select * from serving.source_status where data_origin <> 'config' order by source, feed"),
        publication=next(iter(known.rows("select * from serving.publication")), None),
        style=(Path(__file__).parent / "page.css").read_text(encoding="utf-8"),
        script=script,
        library=library,
        policy="; ".join(
            (
                "default-src 'none'",
                "style-src 'unsafe-inline'",
                "img-src data:",
                f"script-src {_hash(library)} {_hash(script)}",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
    )
    return known, page


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
_SCENARIOS = "select * from serving.outlook_scenarios where commodity_code = $code and as_of_date = $day"
_ALERTS = """
    select *, cleared_date is null or cleared_date > $day as is_raised
    from serving.alerts
    where commodity_code = $code and raised_date <= $day and raised_at <= $decision and (cleared_date is null or cleared_date >= $day)
    order by is_raised desc, raised_date desc, alert
"""


def _commodity(known: Known) -> Said:
    row = next(iter(known.rows("select name_zh, name_en from marts.dim_commodity where commodity_code = $code")), None)
    return Said(row["name_zh"], row["name_en"]) if row else Said(known.commodity_code, known.commodity_code)


def _sentences(row: Row, language: str) -> list[str]:
    text = row[f"headline_{language}"] or ""
    return [part.strip() for part in re.split(r"(?<=。)" if language == "zh" else r"(?<=\.)\s+(?=[A-Z])", text) if part.strip()]


def _shared(outlook: Sequence[Row], language: str) -> list[str]:
    """Give the sentences all horizons share, so that they are read once."""
    return [one for one in _sentences(outlook[0], language) if all(one in _sentences(row, language) for row in outlook)]


def _horizon(row: Row, shared: Sequence[str]) -> dict[str, Any]:
    """Give one horizon's card, with the sentences of its headline that are its own."""
    own = {language: [one for one in _sentences(row, language) if one not in shared] for language in ("zh", "en")}
    reasons = [word for word in (row["status_reason"] or "").split(";") if word]
    missing = [say(words.BLOCKS, block) for block in (row["missing_blocks"] or "").split(";") if block]
    return {
        "row": row,
        "name": say(words.HORIZONS, row["horizon"]),
        "span": say(words.SPANS, row["horizon"]),
        "direction": say(words.DIRECTIONS, row["direction"]),
        "status": say(words.STATUSES, row["status"]),
        "forecast": _forecast(row),
        "interval": None
        if row["interval80_low_cny_t"] is None
        else f"{number(row['interval80_low_cny_t'], ',.0f')}–{number(row['interval80_high_cny_t'], ',.0f')}",
        "sentence": Said("".join(own["zh"]), " ".join(own["en"])),
        "reasons": [say(words.REASONS, word) for word in reasons],
        "missing": missing,
        "notes": [
            *([Said("上行尾部风险", "tail up")] if row["tail"] == "up" else [Said("下行尾部风险", "tail down")] if row["tail"] == "down" else []),
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


def _levels(known: Known, row: Row) -> list[tuple[float, Said]]:
    """Give the outlook's price levels, the trigger first, then the nearest ones; each one line, named by all they are."""
    named: dict[float, list[Said]] = {}
    trigger, close = row["trigger_level_cny_t"], row["close_cny_t"] or 0.0
    if trigger is not None:
        named[float(trigger)] = [Said("触发", "trigger")]
    for level in known.rows("select * from serving.outlook_drivers where commodity_code = $code and as_of_date = $day and driver_kind = 'level'"):
        named.setdefault(float(level["signal_value"]), []).extend(say(words.LEVELS, kind) for kind in level["signal"].split(";"))
    order = sorted(named, key=lambda level: (level != trigger, abs(level - close)))
    return [(level, Said("/".join(one.zh for one in named[level]), "/".join(one.en for one in named[level]))) for level in order]


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
            "before": _said(was),
            "now": _said(now),
            "is_new": _said(was) != _said(now),
            "raised": [say(words.CODES, flag) for flag in _flags(now) if flag not in _flags(was)],
            "cleared": [say(words.CODES, flag) for flag in _flags(was) if flag not in _flags(now)],
        }
        for now in outlook
        if (was := before.get(now["horizon"]))
    ]


def _flags(row: Row) -> list[str]:
    return [flag for flag in (row["risk_flags"] or "").split(";") if flag]


def _said(row: Row) -> Said:
    """Give where a horizon's evidence leans in a few words."""
    said, told = say(words.DIRECTIONS, row["direction"]), "" if row["stance"] is None else f" {number(row['stance'], '+d')}"
    return Said(said.zh + told, said.en + told)


def _rule(rule: Rule) -> dict[str, Any]:
    """Give what the note tells of a rule: its names, the risks it flags and what else it does."""
    flags = [effect.text for effect in rule.effects if effect.effect == "flag"]
    return {
        "name": Said(rule.zh, rule.en),
        "flags": flags,
        "effects": [_effect(effect) for effect in rule.effects if effect.effect != "flag"],
    }


def _rules(known: Known, declared: Mapping[str, Mapping[str, Any]], outlook: Sequence[Row]) -> list[dict[str, Any]]:
    """Give the rules that fired, each with the conditions that decide it, the values they met and what may follow."""
    found = known.rows(
        "select * from serving.outlook_drivers where commodity_code = $code and as_of_date = $day and driver_kind = 'rule' order by rule_id, driver"
    )
    fired: dict[str, list[Row]] = {}
    for row in found:
        fired.setdefault(row["rule_id"], []).append(row)
    weakened = set((outlook[0]["weakened_flags"] or "").split(";"))
    scenarios = {row["rule_id"]: row for row in known.rows(_SCENARIOS)}
    rules = []
    for rule_id, conditions in fired.items():
        rule = declared.get(rule_id, {"name": Said(rule_id, rule_id), "flags": [], "effects": []})
        lines: dict[str, list[Row]] = {}
        for row in conditions:
            lines.setdefault(row["driver"].rsplit(".", 1)[0], []).append(row | {"is_met": words.is_met(row["condition_text"], row["signal_value"])})
        rules.append(
            {
                "id": rule_id,
                "name": rule["name"],
                "flags": [(flag, say(words.CODES, flag), flag in weakened) for flag in rule["flags"]],
                "is_risk": bool(rule["flags"]),
                "effects": rule["effects"],
                "scenario": scenarios.get(rule_id),
                "lines": list(lines.values()),
            }
        )
    return sorted(rules, key=lambda rule: (not rule["is_risk"], rule["id"][0], int(re.sub(r"\D", "", rule["id"]) or 0)))


def _effect(effect: Effect) -> Said:
    said, value = say(_EFFECTS, effect.effect), say(words.STATES | words.CODES, effect.text or "")
    horizon = words.HORIZONS.get(effect.horizon or "", Said("", ""))
    return Said(f"{horizon.zh}{said.zh} {value.zh}".strip(), f"{horizon.en.lower()} {said.en} {value.en}".strip())


def _claims(known: Known) -> dict[str, Any] | None:
    """Give the audit of the note a sample is about, once its newest period has passed and where it speaks of the commodity; else None."""
    rows = known.rows("select * from serving.claim_audit order by verdict, claim_id")
    if not any((row["entity"] or "").startswith(known.commodity_code) for row in rows) or max(_day(row["period"]) for row in rows) > known.day:
        return None
    totals = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in words.VERDICTS}
    # A release of before the Chinese text has only the English one, one of before the unit of what was found none.
    told = [
        {"reconciling_definition_zh": row["reconciling_definition"], "value_found_unit": None} | row
        for row in rows
        if row["verdict"] in ("contradicted", "definition_dependent")
    ]
    return {"name": rows[0]["note_name"], "totals": totals, "count": len(rows), "told": told}


def _day(period: str | None) -> date:
    try:
        return date.fromisoformat(period or "")
    except ValueError:
        return date.min


def _json(value: Any) -> str:
    """Write JSON that can stand in a script element: nothing in it can end the element or start markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


__all__ = ["FILE_NAME", "NoteError", "render", "write_note"]
