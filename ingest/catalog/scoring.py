"""Score and rules as rows: reads `score.toml` and `rules.toml`, and refuses what contradicts itself, naming entry and field.

What a weight, anchor or threshold should be stands in those files; what is done with them, in SQL.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from itertools import product
from typing import Any

Rows = dict[str, list[dict[str, Any]]]

METHODS = ("percentile", "anchor")
HORIZONS = ("short", "medium", "long", "*")
COMPARATORS = {"=": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
# What an effect needs beside its name: a horizon, a number, a text.
EFFECTS = {
    "stance_add": ("horizon", "value"),
    "stance_set": ("horizon", "value"),
    "stance_cap": ("horizon", "value"),
    "confidence_add": ("value",),
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
_CONDITION = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(<=|>=|<>|!=|=|<|>)\s*(-?\d+(?:\.\d+)?)\s*")
_FLAG = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_HASH_RANGE = 2**64
_COMPONENT = ("code", "block", "name", "name_zh", "signal", "unit", "weight", "sign", "method", "maximum_age_sessions")
_DATED = ("valid_from", "commodity")


def score_rows(document: dict[str, Any]) -> Rows:
    """Give components and weight draws; raises ValueError when weights do not add up or a block is above its cap."""
    shared = {
        "config_version": document["version"],
        "source_note": document["source"],
    }
    components = [_component(row, document) | shared for row in document["component"]]
    for number, row in enumerate(document["cap"], start=1):
        _check_fields(f"cap {number}", row, ("share",), ("block", *_DATED))
    caps = [_dated(row, document) | {"block": row.get("block", "*"), "share": float(row["share"])} for row in document["cap"]]
    # A row for all, dated later, changes what is in force for a commodity with rows of its own.
    codes, days = ({row[name] for row in [*components, *caps]} for name in ("commodity_code", "valid_from"))
    for code, day in product(sorted(codes), sorted(days)):
        _check_weights(code, day, components, caps, document)
    draws = document["draws"]
    names = sorted({row["component"] for row in components})
    return {
        "catalog__score_components": components,
        "catalog__weight_draws": [
            {"draw": draw, "component": name, "factor": _uniform(f"{draws['seed']}:{draw}:{name}", float(draws["low"]), float(draws["high"]))}
            for draw in range(1, int(draws["count"]) + 1)
            for name in names
        ],
    }


def _component(row: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    code = row.get("code", "?")
    _check_fields(f"component {code}", row, _COMPONENT, ("anchor", *_DATED))
    if row["method"] not in METHODS:
        raise ValueError(f"component {code}: method {row['method']!r} is not one of {', '.join(METHODS)}")
    anchor = row.get("anchor")
    if (row["method"] == "anchor") != (anchor is not None) or (anchor is not None and anchor <= 0):
        raise ValueError(f"component {code}: an anchor above zero goes with method anchor, and only with it")
    if row["sign"] not in (-1, 1):
        raise ValueError(f"component {code}: sign {row['sign']} is not 1 or -1")
    return _dated(row, document) | {
        "component": code,
        "component_name": row["name"],
        "component_name_zh": row["name_zh"],
        "block": row["block"],
        "signal": row["signal"],
        "unit": row["unit"],
        "weight": float(row["weight"]),
        "sign": row["sign"],
        "method": row["method"],
        "anchor": None if anchor is None else float(anchor),
        "maximum_age_sessions": row["maximum_age_sessions"],
        "fingerprint": _fingerprint(row),
    }


def _dated(row: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    where = f"component {row['code']}" if "code" in row else "a cap"
    return {"commodity_code": row.get("commodity", "*"), "valid_from": _day(where, row, document)}


def _day(where: str, row: Mapping[str, Any], document: Mapping[str, Any]) -> date:
    """Give the day a row is in force from; TOML knows days, too."""
    text = row.get("valid_from", document["valid_from"])
    try:
        return text if isinstance(text, date) else date.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(f"{where}, field valid_from: {text!r} is no day such as 2025-07-01") from None


def _check_fields(where: str, row: Mapping[str, Any], needed: Iterable[str], optional: Iterable[str]) -> None:
    """Refuse an entry that lacks a field or has one nobody reads: a misspelt one would be passed over."""
    known = {*needed, *optional}
    for name in sorted(row.keys() - known):
        raise ValueError(f"{where}, field {name}: it is not one of {', '.join(sorted(known))}")
    for name in sorted(set(needed) - row.keys()):
        raise ValueError(f"{where}: field {name} is missing")


def _fingerprint(row: Mapping[str, Any]) -> str:
    """Give a short hash of what a row says, whatever day it is in force from and wherever it comes from."""
    said = {name: value for name, value in row.items() if name not in ("valid_from", "source")}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()[:16]


def _in_force(rows: list[dict[str, Any]], key: str, code: str, day: date) -> dict[str, dict[str, Any]]:
    """Give by `key` the rows that hold for one commodity on one day: its own before those for all, the newest of each."""
    found: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["commodity_code"] != "*", row["valid_from"])):
        if row["commodity_code"] in ("*", code) and row["valid_from"] <= day:
            found[row[key]] = row
    return found


def _check_weights(code: str, day: date, components: list[dict[str, Any]], caps: list[dict[str, Any]], document: dict[str, Any]) -> None:
    """Hold the weights in force for one commodity on one day against their sum and the caps."""
    in_force, capped = _in_force(components, "component", code, day), _in_force(caps, "block", code, day)
    where = f"for commodity {code!r} on {day}"
    total = sum(row["weight"] for row in in_force.values())
    if abs(total - document["total_weight"]) > 1e-9:
        raise ValueError(f"the weights {where} add up to {total:g}, total_weight says {document['total_weight']:g}")
    for block in sorted({row["block"] for row in in_force.values()}):
        share = sum(row["weight"] for row in in_force.values() if row["block"] == block) / total
        cap = capped.get(block) or capped.get("*")
        if cap is None:
            raise ValueError(f"block {block!r} has no cap {where}")
        if share > cap["share"]:
            raise ValueError(f"block {block!r} carries {share:.1%} of all weight {where}, the cap is {cap['share']:.0%}")


def _uniform(name: str, low: float, high: float) -> float:
    """Give a number between low and high that only the name decides, the same on every machine."""
    return low + (high - low) * int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / _HASH_RANGE


def rule_rows(document: dict[str, Any]) -> Rows:
    """Give metrics, rules, conditions and effects; raises ValueError naming rule and field where one cannot be evaluated."""
    for number, row in enumerate(document["metric"], start=1):
        _check_fields(f"metric {row.get('name', number)}", row, ("name", "unit", "en", "zh"), ())
    metrics = {row["name"] for row in document["metric"]}
    for number, rule in enumerate(document["rule"], start=1):
        where = f"rule {rule.get('id', number)}"
        _check_fields(where, rule, ("id", "en", "zh", "when", "effects"), ("valid_from", "source"))
        for name in ("when", "effects"):
            if not isinstance(rule[name], list):
                raise ValueError(f"{where}, field {name}: it is a list, in brackets")
    rules = [rule | {"valid_from": _day(f"rule {rule['id']}", rule, document)} for rule in document["rule"]]
    for (rule_id, day), times in Counter((rule["id"], rule["valid_from"]) for rule in rules).items():
        if times > 1:
            raise ValueError(f"rule {rule_id} stands {times} times from {day} on, field valid_from")
    return {
        "catalog__rule_metrics": [
            {"metric": row["name"], "metric_name": row["en"], "metric_name_zh": row["zh"], "unit": row["unit"]} for row in document["metric"]
        ],
        "catalog__rules": [
            {
                "rule_id": rule["id"],
                "valid_from": rule["valid_from"],
                "rule_name": rule["en"],
                "rule_name_zh": rule["zh"],
                "fingerprint": _fingerprint(rule),
                "config_version": document["version"],
                "source_note": rule.get("source", document["source"]),
            }
            for rule in rules
        ],
        "catalog__rule_conditions": [row for rule in rules for row in _conditions(rule, metrics)],
        "catalog__rule_effects": [_effect(rule, n, effect) for rule in rules for n, effect in enumerate(rule["effects"], start=1)],
    }


def _conditions(rule: dict[str, Any], metrics: set[str]) -> list[dict[str, Any]]:
    found = []
    if not rule["when"]:
        raise ValueError(f"rule {rule['id']}, field when: no condition")
    for line, text in enumerate(rule["when"], start=1):
        for alternative, part in enumerate(text.split(" or "), start=1):
            match = _CONDITION.fullmatch(part)
            if not match:
                raise ValueError(f'rule {rule["id"]}, field when: {part.strip()!r} is not a condition such as "score >= 40"')
            if match[1] not in metrics:
                raise ValueError(f"rule {rule['id']}, field when: there is no metric {match[1]!r}")
            found.append(
                {
                    "rule_id": rule["id"],
                    "valid_from": rule["valid_from"],
                    "line": line,
                    "alternative": alternative,
                    "metric": match[1],
                    "comparator": COMPARATORS[match[2]],
                    "threshold": float(match[3]),
                }
            )
    return found


def _effect(rule: dict[str, Any], index: int, effect: dict[str, Any]) -> dict[str, Any]:
    where = f"rule {rule['id']}, effect {index}"
    needs = EFFECTS.get(effect["effect"])
    if needs is None:
        raise ValueError(f"{where}: {effect['effect']!r} is not one of {', '.join(EFFECTS)}")
    if set(effect) - {"effect"} != set(needs):
        raise ValueError(f"{where}: {effect['effect']} takes {', '.join(needs) or 'nothing'} beside its name")
    if "horizon" in needs and effect["horizon"] not in HORIZONS:
        raise ValueError(f"{where}: horizon {effect['horizon']!r} is not one of {', '.join(HORIZONS)}")
    if "text" in needs and not _FLAG.fullmatch(effect["text"]):
        raise ValueError(f"{where}: text {effect['text']!r} is not one word of letters, digits and _")
    return {
        "rule_id": rule["id"],
        "valid_from": rule["valid_from"],
        "effect_index": index,
        "effect": effect["effect"],
        "horizon": effect.get("horizon"),
        "effect_value": None if "value" not in needs else float(effect["value"]),
        "effect_text": effect.get("text"),
    }
