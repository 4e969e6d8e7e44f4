"""News tone: what single sentences say for one product, and what holds of every sentence."""

import math
import tomllib
from pathlib import Path
from typing import Any

import pytest
from feeds import Home, delivery
from hypothesis import given
from hypothesis import strategies as st
from test_sources_policy import PUSHED, flash, flashes

from ingest.catalog import __file__ as catalog_file
from ingest.catalog.configuration import Configuration
from ingest.catalog.tone import Lexicon, lexicon_rows, participants, read_lexicon, score
from ingest.source import PayloadError, Request
from ingest.sources.catalog import Catalog
from ingest.sources.policy import TONE, Policy

BODY = Path(catalog_file).with_name("lexicon.toml").read_bytes()
LEXICON: Lexicon = read_lexicon(BODY)


def tone(text: str, perspective: str = "alumina") -> float | None:
    return next((found.tone for found in score(text, LEXICON) if found.perspective == perspective), None)


def of(positive: float, negative: float) -> float:
    return (positive - negative) / (positive + negative + 1)


# ---------------------------------------------------------------- sentences: text, (positive, negative) weights for alumina


@pytest.mark.parametrize(
    ("text", "positive", "negative"),
    [
        # every word the methodology names
        ("氧化铝行业反内卷", 1, 0), ("氧化铝淘汰落后产能", 1, 0), ("氧化铝厂减产", 1, 0), ("氧化铝限产", 1, 0), ("某氧化铝厂检修", 1, 0),
        ("氧化铝持货商挺价", 1, 0), ("氧化铝贸易商惜售", 1, 0), ("氧化铝期货逼仓", 1, 0), ("氧化铝去库", 1, 0), ("氧化铝仓单低位", 1, 0),
        ("环保督察进驻氧化铝企业", 1, 0), ("几内亚撤销矿权", 1, 0), ("氧化铝复产", 0, 1), ("氧化铝新产能投产", 0, 1), ("氧化铝累库", 0, 1),
        ("氧化铝过剩", 0, 1), ("氧化铝注册仓单增加", 0, 1), ("氧化铝期价遭打压", 0, 1), ("氧化铝下游高价接货意愿弱", 0, 1),
        ("氧化铝进口窗口打开", 0, 1), ("交易所对氧化铝限仓", 0, 1), ("氧化铝期货提保", 0, 1),
        # negation, and words that only look like it
        ("氧化铝未减产", 0, 1), ("氧化铝厂不会限产", 0, 1), ("氧化铝仓单未增加", 1, 0), ("未见氧化铝大规模减产", 0, 2), ("氧化铝并非不会减产", 1, 0),
        ("解除氧化铝限产", 0, 1), ("氧化铝推迟投产", 1, 0), ("无锡氧化铝减产", 1, 0), ("氧化铝企业不得不减产", 1, 0), ("氧化铝未来减产", 1, 0),
        ("氧化铝未减产未复产", 1, 1), ("氧化铝未减产，复产", 0, 2),
        # farther off than the window, or in another clause, a negation is about something else
        ("氧化铝未受北方地区连日大雪天气影响限产", 1, 0), ("传闻不实，氧化铝减产", 1, 0),
        # degree
        ("氧化铝大幅减产", 2, 0), ("氧化铝小幅累库", 0, 0.5), ("氧化铝仓单明显增加", 0, 1.5), ("氧化铝未大幅减产", 0, 2),
        ("氧化铝减产，电解铝大幅增产", 3, 0),
        # several at once, and none
        ("氧化铝厂检修减产，挺价惜售", 4, 0), ("检修氧化铝产线复产", 0, 1), ("氧化铝成交平淡", 0, 0),
    ],
)  # fmt: skip
def test_a_sentence_is_weighed_for_alumina(text: str, positive: float, negative: float) -> None:
    found = next(found for found in score(text, LEXICON) if found.perspective == "alumina")
    assert (found.positive, found.negative) == (positive, negative)
    assert found.tone == pytest.approx(of(positive, negative))


def test_a_closed_mine_is_good_for_alumina_and_bad_for_the_smelters_margin() -> None:
    assert (tone("几内亚矿权被撤销"), tone("几内亚矿权被撤销", "smelter margin")) == (0.5, -0.5)


def test_each_of_two_products_in_a_sentence_has_its_own_tone() -> None:
    """Alumina cuts and smelters that start again are both good for alumina; for aluminium only the second counts, and is bad."""
    text = "氧化铝厂减产，电解铝企业复产"
    assert tone(text) == pytest.approx(of(2, 0))
    assert tone(text, "aluminium") == pytest.approx(of(0, 1))
    assert tone(text, "lithium carbonate") is None
    assert tone("碳酸锂减产", "lithium carbonate") == 0.5 and tone("碳酸锂减产") is None


def test_a_text_about_nothing_has_no_tone() -> None:
    assert score("", LEXICON) == score("多个商品期货涨停", LEXICON) == []


def test_participants_are_told_apart() -> None:
    assert participants("贸易商挺价，电解铝厂压价", LEXICON) == ("smelter", "trader")
    assert participants("氧化铝成交平淡", LEXICON) == ()


def test_hits_show_each_term_and_its_signed_weight() -> None:
    assert [found.hits for found in score("氧化铝小幅累库，未减产", LEXICON) if found.perspective == "alumina"] == [("减产=-1", "累库=-0.5")]


# ---------------------------------------------------------------- what holds of every sentence

SINGLE = sorted(word for (word, *rest) in LEXICON.terms if not rest)
WORDS = sorted({*SINGLE, *LEXICON.negations, *LEXICON.degrees, *LEXICON.subjects, *LEXICON.plain, "某地", "消息", "，", "3", " "})
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map("".join)


@given(TEXTS, st.sampled_from([word for word in SINGLE if LEXICON.terms[(word,)][1] > 0]))
def test_adding_a_positive_word_never_lowers_the_tone(text: str, word: str) -> None:
    assert tone(f"{text}，氧化铝{word}") >= (tone(text) or 0)  # type: ignore[operator]


@given(st.sampled_from(SINGLE), st.sampled_from(sorted(LEXICON.negations)))
def test_a_negation_turns_the_tone_round(word: str, negation: str) -> None:
    assert tone(f"氧化铝{negation}{word}") == pytest.approx(-(tone(f"氧化铝{word}") or math.nan))


@given(st.one_of(TEXTS, st.text()))
def test_every_tone_lies_between_minus_one_and_one(text: str) -> None:
    for found in score(text, LEXICON):
        assert -1 < found.tone < 1
        assert found.tone == pytest.approx(of(found.positive, found.negative))


@given(TEXTS, TEXTS)
def test_what_comes_in_a_later_sentence_changes_nothing_said_before(first: str, second: str) -> None:
    alone = {found.perspective: (found.positive, found.negative) for found in score(first, LEXICON)}
    both = {found.perspective: (found.positive, found.negative) for found in score(f"{first}。{second}", LEXICON)}
    for perspective, (positive, negative) in alone.items():
        assert both[perspective][0] >= positive and both[perspective][1] >= negative


# ---------------------------------------------------------------- the lexicon is data with a version


def test_a_changed_entry_is_another_version_and_a_comment_is_not() -> None:
    assert read_lexicon(BODY + b"\n# a remark\n").version == LEXICON.version
    changed = BODY.replace('"大幅" = 2.0'.encode(), '"大幅" = 1.9'.encode())
    assert read_lexicon(changed).version != LEXICON.version
    assert LEXICON.version.startswith(tomllib.loads(BODY.decode())["version"] + "+")


def test_a_changed_lexicon_scores_archived_flashes_anew(home: Home) -> None:
    body = b'{"code": 200, "data": {"dataList": [{"id": 1, "pushTime": %d, "contentText": "\xe3\x80\x90%s\xe3\x80\x91x"}]}}' % (
        PUSHED,
        "氧化铝大幅减产".encode(),
    )
    home.take(delivery("shmet_newsflash.json", body))
    home.settings.catalog_overlay.mkdir(parents=True)
    (home.settings.catalog_overlay / "lexicon.toml").write_bytes(BODY.replace('"大幅" = 2.0'.encode(), '"大幅" = 3.0'.encode()))
    home.take(delivery("shmet_newsflash.json", body))
    rows = home.rows(TONE).filter(perspective="alumina").select("tone", "positive_weight", "parser_version", "lexicon_version").rows()
    assert {(tone, weight) for tone, weight, *_ in rows} == {(of(2, 0), 2.0), (of(3, 0), 3.0)}
    assert all(parser == f"4-{lexicon}" for *_, parser, lexicon in rows) and len({row[2] for row in rows}) == 2


def test_a_lexicon_that_cannot_be_read_leaves_the_shipped_one_in_force(home: Home) -> None:
    home.settings.catalog_overlay.mkdir(parents=True)
    (home.settings.catalog_overlay / "lexicon.toml").write_text("version = 1\n")
    assert Policy(configuration=Configuration(home.settings.catalog_overlay)).parser_version == f"4-{LEXICON.version}"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "supply"', 'kind = "weather"', "'weather' is not one of"),
        ("sign = -1", "sign = -2", "sign"),
        ('subject = "bauxite"', 'subject = "cheese"', "cheese"),
        ('"大幅" = 2.0', '"大幅" = 0.0', "degrees, key 大幅: must be above 0"),
        ("[degrees]", "[grades]", "degrees"),
    ],
)
def test_a_wrong_entry_is_refused_in_one_sentence(old: str, new: str, words: str) -> None:
    with pytest.raises(PayloadError) as caught:
        Catalog().parse(Request("catalog", "catalog", "lexicon.toml", "lexicon.toml"), BODY.decode().replace(old, new, 1).encode())
    assert words in caught.value.verdict.message and "lexicon.toml" in caught.value.verdict.message


def test_every_entry_travels_as_a_row() -> None:
    rows = list(lexicon_rows(BODY))
    document: dict[str, Any] = tomllib.loads(BODY.decode())
    kinds = [row["entry_kind"] for row in rows]
    assert kinds.count("term") == sum(len(term["words"]) for term in document["term"])
    assert kinds.count("link") == sum(len(link["kinds"]) for link in document["link"])
    assert {row["entry"]: row["entry_effect"] for row in rows if row["entry_kind"] == "degree"} == document["degrees"]
    assert {row["source_note"] for row in rows} == {document["source"]}


# ---------------------------------------------------------------- flashes


def test_the_title_is_scored_and_the_text_only_where_there_is_none() -> None:
    titled = flash(contentText="【氧化铝减产】SHMET讯，氧化铝累库过剩")
    bare = flash(id=2, contentText="氧化铝累库，贸易商惜售")
    rows = flashes(titled, bare).frames[TONE].filter(perspective="alumina").sort("flash_id").to_dicts()
    assert [(row["tone"], row["participant_roles"]) for row in rows] == [(0.5, None), (0.0, "trader")]


def test_a_tone_carries_the_time_of_its_flash() -> None:
    (row,) = flashes(flash(contentText="【碳酸锂累库】x")).frames[TONE].to_dicts()
    assert row["published_at"].timestamp() * 1000 == PUSHED and f"{row['event_date']}" == "2025-07-18"
    assert (row["perspective"], row["hits"]) == ("lithium carbonate", "累库=-1")
