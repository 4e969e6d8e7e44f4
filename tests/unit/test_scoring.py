"""Score and rules as data: what contradicts itself is refused in one sentence that names entry and field."""

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from feeds import toml

from ingest.catalog import scoring
from ingest.catalog.scoring import Rows, RulesFile, ScoreFile
from quality.typed import WrongFileError, read

CATALOG = Path(scoring.__file__).parent
SCORE = tomllib.loads((CATALOG / "score.toml").read_text(encoding="utf-8"))
RULES = tomllib.loads((CATALOG / "rules.toml").read_text(encoding="utf-8"))


def score_rows(document: dict[str, Any]) -> Rows:
    return scoring.score_rows(read(ScoreFile, "score.toml", toml(document)), document)


def rule_rows(document: dict[str, Any]) -> Rows:
    return scoring.rule_rows(read(RulesFile, "rules.toml", toml(document)), document)


def score(**change: Any) -> dict[str, Any]:
    return copy.deepcopy(SCORE) | change


def rules(**change: Any) -> dict[str, Any]:
    document = copy.deepcopy(RULES)
    document["rule"] = [{key: value for key, value in (document["rule"][0] | change).items() if value is not None}]
    return document


def test_the_shipped_score_and_rules_are_read() -> None:
    found = score_rows(SCORE) | rule_rows(RULES)
    assert sum(row["weight"] for row in found["catalog__score_components"]) == SCORE["total_weight"]
    assert {row["rule_id"] for row in found["catalog__rules"]} >= {f"O{n}" for n in range(1, 14)} - {"O2", "O11"}  # folded into O8 and O5
    assert len(found["catalog__weight_draws"]) == SCORE["draws"]["count"] * len(SCORE["component"])


def test_draws_are_the_same_everywhere_and_uniform() -> None:
    rows = score_rows(SCORE)["catalog__weight_draws"]
    assert rows == score_rows(SCORE)["catalog__weight_draws"]
    factors = sorted(row["factor"] for row in rows)
    assert 0.5 <= factors[0] < 0.501
    assert 1.499 < factors[-1] <= 1.5
    assert sum(factors) / len(factors) == pytest.approx(1.0, abs=0.01)


def test_the_published_band_of_the_worked_example_comes_out_of_the_fixed_draws() -> None:
    """Methodology 5.14: 46.9 to 63.5 from 20,000 draws; a thousand fixed ones come within a point."""
    parts = {
        "P1": 92, "P2": 50, "R1": 98, "R2": 100, "M1": 100, "M2": 74, "M3": 80, "M5": 70,
        "F1": -60, "F2": -58, "F3": -40, "F4": -30, "F5": -10,
    }  # fmt: skip
    found = score_rows(SCORE)
    weights = {row["component"]: row["weight"] for row in found["catalog__score_components"]} | {"M5": 5}  # the premium, which has left the score
    factors: dict[int, dict[str, float]] = {}
    for row in found["catalog__weight_draws"]:
        # The premium's draws are carry's now: any fixed ones do.
        factors.setdefault(row["draw"], {})[{"R3": "M5"}.get(row["component"], row["component"])] = row["factor"]
    scores = sorted(
        sum(weights[name] * by[name] * part for name, part in parts.items()) / sum(weights[name] * by[name] for name in parts)
        for by in factors.values()
    )
    assert scores[len(scores) // 20] == pytest.approx(46.9, abs=1.0)
    assert scores[-len(scores) // 20] == pytest.approx(63.5, abs=1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"total_weight": 100}, r"the weights for commodity '\*' on 2023-06-19 add up to 110, total_weight says 100"),
        ({"cap": [{"share": 0.2}]}, "carries .* of all weight .*, the cap is 20%"),
        (
            {"cap": [{"share": 0.35}, {"share": 0.2, "commodity": "AL", "valid_from": "2026-01-01"}]},
            "for commodity 'AL' on 2026-01-01, the cap is 20%",
        ),
        ({"cap": [{"share": 0.35}, {"share": 0.1, "block": "money"}]}, "block 'money' carries .*, the cap is 10%"),
        ({"cap": [{"share": 0.35, "block": "money"}]}, "block 'fundamentals' has no cap for commodity"),
    ],
)
def test_weights_that_contradict_themselves_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongFileError, match=message):
        score_rows(score(**change))


def test_a_commodity_s_own_weight_is_held_against_the_sum_too() -> None:
    document = score()
    document["component"].append(document["component"][0] | {"commodity": "AL", "weight": 25})
    with pytest.raises(WrongFileError, match="the weights for commodity 'AL' on 2023-06-19 add up to 115"):
        score_rows(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"profile": "vendor"}, "component P1, key profile: 'vendor' is not one of exchange, full"),
        ({"anchor": 3.0}, "component P1, key anchor: this key is not known"),
        ({"sign": 2}, "component P1, key sign: 2 is not one of 1 or -1"),
        ({"weight": -1}, "component P1, key weight: must be at least 0, not -1"),
    ],
)
def test_a_component_that_cannot_be_scored_is_refused(change: dict[str, Any], message: str) -> None:
    document = score()
    document["component"][0] |= change
    with pytest.raises(WrongFileError, match=message):
        score_rows(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"when": ["scroe >= 40"]}, "rule O1, when 1: there is no metric 'scroe'; did you mean 'score'"),
        ({"when": ["score over 40"]}, "rule O1, when 1: 'score over 40' is not a condition"),
        ({"when": ["score >= 40; drop table x"]}, "is not a condition"),
        ({"when": []}, "rule O1, key when: must not be empty"),
        ({"when": "score >= 40"}, "rule O1, key when: must be a list, in brackets"),
        ({"valid_form": "2025-02-20"}, "rule O1, key valid_form: this key is not known; did you mean 'valid_from'"),
        ({"valid_from": "2025-02-30"}, "rule O1, key valid_from: '2025-02-30' is no day such as 2025-07-01"),
        (
            {"effects": [{"effect": "flagg", "text": "X"}]},
            "rule O1, effects 1, key effect: there is no effect 'flagg'; did you mean 'flag'",
        ),
        (
            {"effects": [{"effect": "stance_add", "horizon": "short", "value": 1}]},
            "rule O1, effects 1, key effect: a rule makes a scenario and takes no stance",
        ),
        (
            {"effects": [{"effect": "confidence_add", "value": -0.1}]},
            "rule O1, effects 1, key effect: a rule makes a scenario and moves no confidence",
        ),
        ({"effects": [{"effect": "tail", "text": "up"}]}, "rule O1, effects 1: tail takes horizon and text"),
        ({"effects": [{"effect": "tail", "horizon": "tomorrow", "text": "up"}]}, "rule O1, effects 1, key horizon: 'tomorrow' is not one of"),
        (
            {"effects": [{"effect": "flag", "text": "X"}], "scenario": None},
            "rule O1: a rule that flags X says what may follow: key scenario is missing",
        ),
        ({"effects": [{"effect": "reason", "text": "x"}]}, "rule O1: a scenario goes with a rule that flags or watches something"),
        ({"effects": [{"effect": "flag", "text": "a;b"}]}, "rule O1, effects 1, key text: 'a;b' is not of the form"),
        ({"scenario": RULES["rule"][0]["scenario"] | {"no_study": "needs_spot"}}, "rule O1, key scenario: study and no_study exclude each other"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongFileError, match=message):
        rule_rows(rules(**change))


def test_a_rule_without_effects_is_told_from_one_whose_field_is_misspelt() -> None:
    document = rules()
    document["rule"][0]["efects"] = document["rule"][0].pop("effects")
    with pytest.raises(WrongFileError, match="rule O1, key efects: this key is not known; did you mean 'effects'"):
        rule_rows(document)
    del document["rule"][0]["efects"]
    with pytest.raises(WrongFileError, match="rule O1: key effects is missing"):
        rule_rows(document)


def test_two_rules_of_one_id_and_day_are_refused() -> None:
    document = copy.deepcopy(RULES)
    document["rule"].append(document["rule"][0])
    with pytest.raises(WrongFileError, match=r"rule O1: O1 2023-06-19 stands in entry 1 of \[\[rule\]\] already"):
        rule_rows(document)


def test_a_rule_may_be_dated_anew() -> None:
    document = copy.deepcopy(RULES)
    document["rule"].append(
        document["rule"][0] | {"valid_from": "2026-01-01", "when": ["score >= 50"], "effects": [{"effect": "watch", "text": "NEWER"}]}
    )
    found = rule_rows(document)
    versions = {table: {row["valid_from"].year for row in rows if row.get("rule_id") == "O1"} for table, rows in found.items()}
    assert versions["catalog__rules"] == versions["catalog__rule_conditions"] == {2023, 2026}
    assert versions["catalog__rule_effects"] == {2023, 2026}
    # What a row says has a fingerprint of its own, whatever day it is in force from.
    prints = {row["valid_from"].year: row["fingerprint"] for row in found["catalog__rules"] if row["rule_id"] == "O1"}
    again = copy.deepcopy(RULES) | {"version": "later"}
    again["rule"][0] |= {"valid_from": "2024-01-01", "source": "told anew"}
    assert prints[2023] != prints[2026]
    assert next(row["fingerprint"] for row in rule_rows(again)["catalog__rules"] if row["rule_id"] == "O1") == prints[2023]


def test_every_metric_rules_may_read_is_made_by_a_model() -> None:
    models = Path(__file__).parents[2] / "dbt_project/models/intermediate/outlook"
    text = "".join((models / f"int_outlook__{name}.sql").read_text(encoding="utf-8") for name in ("facts", "known", "signals", "metrics"))
    assert [row["name"] for row in RULES["metric"] if f"'{row['name']}'" not in text] == []


def test_a_scenario_has_an_event_study_or_says_what_it_would_need() -> None:
    panel = Path(__file__).parents[2] / "dbt_project/models/intermediate/panel"
    conditions = set(re.findall(r"^    '(\w+)': '", (panel / "int_panel__events.sql").read_text(encoding="utf-8"), flags=re.MULTILINE))
    told = [row["scenario"] for row in RULES["rule"] if "scenario" in row]
    assert [scenario for scenario in told if ("study" in scenario) == ("no_study" in scenario)] == []
    studied = {scenario["study"] for scenario in told if "study" in scenario}
    assert studied <= conditions
    assert conditions - studied == {"shock_up", "shock_down"}  # of no rule


def test_an_event_is_what_its_rule_asks() -> None:
    """Both stand on one figure each: the rule's in its condition, the study's in the catalogue of the panel."""
    figures = {
        row["name"]: row["value"]
        for file in ("panel.toml", "parameters.toml")
        for row in tomllib.loads((CATALOG / file).read_text(encoding="utf-8"))["parameter"]
        if "commodity" not in row
    }
    asked = {row["id"]: row["when"] for row in RULES["rule"]}
    assert (
        f"return_2d_sigmas >= {figures['panel_overextended_multiple']}" in asked["O4"]
        and f"volume_oi_ratio >= {figures['panel_overextended_turnover']}" in asked["O4"]
    )
    assert asked["O3"] == [f"distance_to_major_pct <= {figures['level_near_pct']}"]
    assert figures["panel_inflow_ratio"] == figures["receipts_inflow_ratio"]
