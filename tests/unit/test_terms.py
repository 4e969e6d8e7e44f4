"""The trade's terms: one list for page, workbook, comments and docs; amounts in its units; states as words."""

import re

import pytest

from ingest.catalog.documents import SHIPPED, parsed
from ingest.catalog.glossary import FILE
from ingest.settings import REPOSITORY
from ingest.source import ConfigurationError
from serving.research.note.indicators import GROUPS
from serving.research.terms import OF_COLUMN, TERMS, amount, explained, markdown, metric_name, metric_value
from serving.research.wording import Said

SHIPPED_TERMS = (SHIPPED / FILE).read_text(encoding="utf-8")


def test_the_glossary_of_the_docs_is_printed_from_the_catalogue() -> None:
    assert (REPOSITORY / "docs" / "glossary.md").read_text(encoding="utf-8") == markdown(), "run `alumina catalog glossary > docs/glossary.md`"


@pytest.mark.parametrize(
    ("value", "unit", "zh", "en"),
    [
        (2706.0, "kt", "270.6万吨", "2,706 kt"),
        (6922.0, "t", "6,922吨", "6,922 t"),
        (170980.0, "t", "17.10万吨", "170,980 t"),
        (988129, "lots", "98.81万手", "988,129 lots"),
        (-9954, "lots", "−9,954手", "−9,954 lots"),
        (0.5, "pp", "0.500个百分点", "0.500 pp"),
        (3513.0, "CNY/t", "3,513元/吨", "3,513 CNY/t"),
        (None, "t", "–", "–"),
    ],
)
def test_amounts_are_written_in_the_units_of_the_trade(value: float | None, unit: str, zh: str, en: str) -> None:
    assert amount(value, unit) == Said(zh, en)


def test_a_state_is_a_word_and_a_change_has_its_sign() -> None:
    assert metric_value("squeeze_level", 2.0, "0, 1 or 2") == Said("警戒", "alert")
    assert metric_value("squeeze_level", 7.0, "0, 1 or 2").en == "7"  # no word for it: the number speaks
    assert metric_value("ret_cc_2d_pct", 12.13, "pct").en == "+12.13%"
    assert metric_value("profit_percentile_ratio", 0.398, "ratio") == Said("39.8%", "39.8%")
    assert metric_value("squeeze_ratio", 42.97, "ratio") == Said("42.97倍", "42.97 ×")
    assert metric_value("volume_oi_ratio", 4.67, "ratio") == Said("4.67倍", "4.67 ×")
    assert metric_value("is_receipts_low", 1.0, "0 or 1") == Said("是", "yes")
    assert metric_name("squeeze_level", "any", "任意").zh == "虚实盘比状态"
    assert metric_name("an_own_metric", "own", "自有") == Said("自有", "own")


def test_every_indicator_is_a_term_and_a_column_says_its_own() -> None:
    assert {indicator.code.partition("@")[0] for _, indicators in GROUPS for indicator in indicators} <= TERMS.keys()
    assert OF_COLUMN["squeeze_ratio"].id == "squeeze_ratio"
    assert explained("squeeze_ratio", "Open interest over receipts", "持仓除以仓单") == (
        "Paper over physical: Open interest over receipts",
        "虚实盘比：持仓除以仓单",
    )
    assert explained("settle_cny_t", "Settlement price", "结算价") == ("Settlement price", "结算价")
    assert explained("payload_sha256", "sha256", "来源") == ("sha256", "来源")


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('columns = ["close_cny_t"]', 'columns = ["close_cny"]', "there is no column 'close_cny'"),
        ('columns = ["settle_cny_t"]', 'columns = ["close_cny_t"]', "close_cny_t is the term close already"),
        ('id = "settlement"', 'id = "close"', "id 'close' stands in entry"),
        ('unit = "kt"', 'unit = "t"', "unit 't' stands in entry"),
        ("holds = 10\ndigits = 1", "holds = 0\ndigits = 1", "must be above 0"),
    ],
)
def test_a_slip_in_the_glossary_is_refused(right: str, wrong: str, told: str) -> None:
    assert SHIPPED_TERMS.count(right) == 1
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        parsed(FILE, SHIPPED_TERMS.replace(right, wrong).encode())
