"""Words of both languages: what is wrong in the operator's own is refused, and every place of a sentence is filled."""

import re
from pathlib import Path

import pytest

from ingest.catalog.documents import SHIPPED, parsed
from ingest.catalog.languages import FILE, PLACES, Sentences
from ingest.source import ConfigurationError
from serving.research import wording as words

SHIPPED_WORDS = (SHIPPED / FILE).read_text(encoding="utf-8")
HEADLINES = (Path(__file__).parents[2] / "dbt_project/models/intermediate/outlook/int_outlook__headlines.sql").read_text()


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("{base} % by chance", "{bse} % by chance", "there is no place 'bse'; did you mean 'base'?"),
        ('forecast_no_edge = { zh = "预测：无优势。"', 'forecast_no_edge = { zh = "{score}"', "there is no place 'score'"),
        ("\n[side]\n", "\n[sides]\n", "sides"),
        ('short = { zh = "短期"', 'shorter = { zh = "短期"', "shorter"),
    ],
)
def test_a_slip_in_the_words_is_refused(right: str, wrong: str, said: str) -> None:
    assert SHIPPED_WORDS.count(right) == 1
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        parsed(FILE, SHIPPED_WORDS.replace(right, wrong).encode())


def test_the_headline_uses_every_sentence_and_fills_every_place() -> None:
    assert [sentence for sentence in Sentences.model_fields if not re.search(rf"\bsentences\.{sentence}_", HEADLINES)] == []
    assert [place for places in PLACES.values() for place in places if f"'{place}':" not in HEADLINES] == []


def test_the_note_names_codes_by_the_same_words() -> None:
    assert words.HORIZONS["short"] == words.Said("短期", "Short term")  # at the head of a line
    assert words.REASONS["stale"] == words.Said("数据过期", "out of date")
    assert words.say(words.CODES, "AN_OWN_RULE") == words.Said("AN OWN RULE", "AN OWN RULE")
