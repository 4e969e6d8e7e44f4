"""Claims out of text: each grammar rule on a sentence nobody published, and what cannot be read or placed."""

import contextlib
from datetime import date
from pathlib import Path

import pytest

from ingest.catalog.calendar import load_calendar
from ingest.catalog.configuration import SHIPPED_ONLY
from serving.research.audit.claims import ClaimsError, read_note
from serving.research.audit.extract import NUMBERS_LIMIT, Extractor, Found, TooManyNumbersError
from serving.research.audit.meanings import load_catalog
from serving.research.audit.texts import extracted, read_text

CATALOG, CALENDAR = load_catalog(), load_calendar()
LIMITS = SHIPPED_ONLY.limits.paper
AS_OF = date(2025, 7, 4)


def extract(text: str) -> list[Found]:
    return Extractor(CATALOG, CALENDAR).extract(text, AS_OF, "AO")


def told(text: str) -> list[tuple[str, ...]]:
    """Metric, entity, period, comparator, figure and unit of what is confident."""
    return [
        (one.metric, one.entity, one.period, one.cmp, one.value + (f"~{one.value_high}" if one.value_high else ""), one.unit)
        for one in extract(text)
        if one.is_confident
    ]


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        (
            "昨日沪铝主力2508合约开于20720元/吨，最高20760，收于20620，较前一日下跌75元，跌幅0.36%，持仓量增加1234手至21.9万手。",
            [
                ("open", "AL2508", "2025-07-03", "eq", "20720", "yuan/t"),
                ("high", "AL2508", "2025-07-03", "eq", "20760", "yuan/t"),
                ("close", "AL2508", "2025-07-03", "eq", "20620", "yuan/t"),
                ("d_close", "AL2508", "2025-07-03", "eq", "-75", "yuan/t"),
                ("ret_cc_1d", "AL2508", "2025-07-03", "eq", "-0.36", "pct"),
                ("d_oi", "AL2508", "2025-07-03", "eq", "1234", "lots"),
                ("oi", "AL2508", "2025-07-03", "eq", "21.9", "10k lots"),
            ],
        ),
        ("氧化铝2509合约夜盘收跌1.2%至3080元/吨。", [("ret_n_ps", "AO2509", "NS 2025-07-03", "eq", "-1.2", "pct"), ("close", "AO2509", "NS 2025-07-03", "eq", "3080", "yuan/t")]),
        ("上期所氧化铝仓单21,314吨，较上周减少9005吨。", [("receipt_t", "AO", "2025-07-04", "eq", "21314", "t"), ("d_receipt_t", "AO", "2025-06-27/2025-07-04", "eq", "-9005", "t")]),
        ("AO2509收于3042元/吨，较6月27日收盘价上涨1.5%。", [("close", "AO2509", "2025-07-04", "eq", "3042", "yuan/t"), ("ret_period", "AO2509", "2025-06-27/2025-07-04", "eq", "1.5", "pct")]),
        ("AO2509成交近35万手，盘中运行区间3011-3058元/吨。", [("volume", "AO2509", "2025-07-04", "approx", "35", "10k lots"), ("day_range", "AO2509", "2025-07-04", "range", "3011~3058", "yuan/t")]),
        ("2509与2601合约价差118元/吨。", [("spread", "AO2509-AO2601", "2025-07-04", "eq", "118", "yuan/t")]),
        ("截至7月3日，SMM氧化铝运行产能8863万吨，开工率79.97%。", [("operating_capacity", "SMM AO", "2025-07-03", "eq", "8863", "10k t"), ("operating_rate", "SMM AO", "2025-07-03", "eq", "79.97", "pct")]),
        ("5月中国出口氧化铝20.8万吨，环比下降18.9%；进口铝土矿1751万吨。", [("export_qty", "HS 28182000", "2025-05", "eq", "20.8", "10k t"), ("export_mom", "HS 28182000", "2025-05", "eq", "-18.9", "pct"), ("import_qty", "HS 26060000", "2025-05", "eq", "1751", "10k t")]),
        ("氧化铝2509合约昨日结算价3161元/吨，SMM现金成本2607元/吨，氧化铝仓单增加2111吨。", [("settle", "AO2509", "2025-07-03", "eq", "3161", "yuan/t"), ("cash_cost", "SMM AO", "2025-07-03", "eq", "2607", "yuan/t"), ("d_receipt_t", "SMM AO", "2025-07-03", "eq", "2111", "t")]),
        ("SMM山东、山西和河南三地氧化铝均价分别为3180、3195、3205元/吨，氧化铝仓单21314吨。", [("spot_region", "SMM AO Shandong", "2025-07-04", "eq", "3180", "yuan/t"), ("spot_region", "SMM AO Shanxi", "2025-07-04", "eq", "3195", "yuan/t"), ("spot_region", "SMM AO Henan", "2025-07-04", "eq", "3205", "yuan/t"), ("receipt_t", "SMM AO", "2025-07-04", "eq", "21314", "t")]),
        ("AO2508、AO2509、AO2601合约收盘价分别报3513元/吨、3495元/吨和3402元/吨。", [("close", "AO2508", "2025-07-04", "eq", "3513", "yuan/t"), ("close", "AO2509", "2025-07-04", "eq", "3495", "yuan/t"), ("close", "AO2601", "2025-07-04", "eq", "3402", "yuan/t")]),
        ("氧化铝2509合约开盘价、最高价、收盘价分别为3300、3577、3513元/吨。", [("open", "AO2509", "2025-07-04", "eq", "3300", "yuan/t"), ("high", "AO2509", "2025-07-04", "eq", "3577", "yuan/t"), ("close", "AO2509", "2025-07-04", "eq", "3513", "yuan/t")]),
        ("昨夜氧化铝2509合约收于3080元/吨，跌1.2%。", [("close", "AO2509", "NS 2025-07-03", "eq", "3080", "yuan/t"), ("ret_n_ps", "AO2509", "NS 2025-07-03", "eq", "-1.2", "pct")]),
        ("主力合约AO2509收于3042元/吨。AO2509-AO2601月差收窄至18元/吨，前一交易日为25元/吨；现货较期货升水120元/吨。", [("close", "AO2509", "2025-07-04", "eq", "3042", "yuan/t"), ("spread", "AO2509-AO2601", "2025-07-04", "eq", "18", "yuan/t"), ("spread", "AO2509-AO2601", "2025-07-03", "eq", "25", "yuan/t"), ("spot_premium", "AO2509", "2025-07-04", "eq", "120", "yuan/t")]),
        ("山东氧化铝均价3180元/吨，上涨10元/吨；河南氧化铝均价3195元/吨，下跌5元/吨。", [("spot_region", "AO Shandong", "2025-07-04", "eq", "3180", "yuan/t"), ("d_spot_region", "AO Shandong", "2025-07-04", "eq", "10", "yuan/t"), ("spot_region", "AO Henan", "2025-07-04", "eq", "3195", "yuan/t"), ("d_spot_region", "AO Henan", "2025-07-04", "eq", "-5", "yuan/t")]),
        ("澳铝FOB 372美元/吨；完全成本2857元/吨，利润314元/吨，环比增14元/吨，利润率11%。", [("fob", "AO", "2025-07-04", "eq", "372", "USD/t"), ("full_cost", "AO", "2025-07-04", "eq", "2857", "yuan/t"), ("profit", "AO", "2025-07-04", "eq", "314", "yuan/t"), ("d_profit", "AO", "2025-07-04", "eq", "14", "yuan/t"), ("profit_rate", "AO", "2025-07-04", "eq", "11", "pct")]),
        ("全国氧化铝库存352.15万吨(+3.2)，前20名多头持仓14.2万手，空头持仓15.1万手。", [("social_stock", "AO", "2025-07-04", "eq", "352.15", "10k t"), ("d_social_stock", "AO", "2025-07-04", "eq", "3.2", "10k t"), ("top20_long", "AO", "2025-07-04", "eq", "14.2", "10k lots"), ("top20_short", "AO", "2025-07-04", "eq", "15.1", "10k lots")]),
        ("On 2 July SMM's alumina index averaged 3,171.07 yuan/t. Shandong 3,160 yuan/t; Henan 3,170 yuan/t.", [("smm_index", "SMM AO", "2025-07-02", "eq", "3171.07", "yuan/t"), ("spot_region", "AO Shandong", "2025-07-02", "eq", "3160", "yuan/t"), ("spot_region", "AO Henan", "2025-07-02", "eq", "3170", "yuan/t")]),
        ("Imports in May 2025 were 67.5 kt.", [("import_qty", "HS 28182000", "2025-05", "eq", "67.5", "kt")]),
        ("指标\t最新值\t前值\t变动\t7月2日\n氧化铝仓单（吨）\t21314\t21915\t-601\t22000\n", [("receipt_t", "AO", "2025-07-04", "eq", "21314", "t"), ("d_receipt_t", "AO", "2025-07-04", "eq", "-601", "t"), ("receipt_t", "AO", "2025-07-02", "eq", "22000", "t")]),
        ("本周AO2509累计上涨1.9%，周五收于3042元/吨；SMM氧化铝日度成本2841元/吨，盈利330元/吨左右。", [("ret_period", "AO2509", "2025-06-27/2025-07-04", "eq", "1.9", "pct"), ("close", "AO2509", "2025-07-04", "eq", "3042", "yuan/t"), ("full_cost", "SMM AO", "2025-07-04", "eq", "2841", "yuan/t"), ("profit", "SMM AO", "2025-07-04", "approx", "330", "yuan/t")]),
        ("SMM山东均价3180元/吨，山西均价3195元/吨。", [("spot_region", "SMM AO Shandong", "2025-07-04", "eq", "3180", "yuan/t"), ("spot_region", "SMM AO Shanxi", "2025-07-04", "eq", "3195", "yuan/t")]),
        ("Open interest rose by 4,512 lots to 268,120 lots in AO2509.", [("d_oi", "AO dominant", "2025-07-04", "eq", "4512", "lots"), ("oi", "AO dominant", "2025-07-04", "eq", "268120", "lots")]),
        ("合约\t收盘价\t涨跌\t持仓量\n沪铝2508\t20620\t-75\t219000\n铸造铝合金2511\t19800\t-60\t9000\n", [("close", "AL2508", "2025-07-04", "eq", "20620", "yuan/t"), ("d_close", "AL2508", "2025-07-04", "eq", "-75", "yuan/t"), ("oi", "AL2508", "2025-07-04", "eq", "219000", "lots")]),
        ("氧化铝仓单（吨）  21314  -601\n", [("receipt_t", "AO", "2025-07-04", "eq", "21314", "t"), ("d_receipt_t", "AO", "2025-07-04", "eq", "-601", "t")]),
        ("氧化铝主力合约2509收于3042元/吨，持仓量为\n252718手，期货市场多空双方今日在开盘后分歧明显且成交量\n341853手。", [("close", "AO2509", "2025-07-04", "eq", "3042", "yuan/t"), ("oi", "AO2509", "2025-07-04", "eq", "252718", "lots"), ("volume", "AO2509", "2025-07-04", "eq", "341853", "lots")]),
    ],
)  # fmt: skip
def test_a_sentence_gives_its_claims(text: str, claims: list[tuple[str, ...]]) -> None:
    assert told(text) == claims


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("沪铜2508收于78000元/吨。", "about a product or market the catalogue does not have"),
        ("上方压力3300元/吨。", "no words of a metric before it"),
        ("预计氧化铝主力合约将收于3300元/吨。", "a forecast or a condition"),
        ("AO2509成交3042元/吨。", "neither volume nor a change of it is given in yuan/t"),
        ("氧化铝价差118元/吨。", "a spread of which both contracts are not named"),
        ("持仓变化1。", "a bare number"),
    ],
)
def test_a_number_that_cannot_be_placed_says_why(text: str, reason: str) -> None:
    (found,) = extract(text)
    assert (found.is_confident, found.reason) == (False, reason)


def test_the_review_file_is_a_claims_file(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("国信期货 氧化铝日报 2025年7月4日\nAO2509收于3042元/吨，持仓变化-14833手。上方压力3300元/吨。\n", encoding="utf-8")
    note, found, review = extracted(path, read_text(path, LIMITS), {}, CATALOG, CALENDAR)
    assert (note.publisher, note.as_of, note.commodity, len(note.claims), len(found)) == ("Guoxin Futures", AS_OF, "AO", 2, 3)
    (tmp_path / "review.csv").write_bytes(review)
    again = read_note(tmp_path / "review.csv", CATALOG, CALENDAR)
    assert again.problems == []
    assert [claim.metric for claim in again.claims] == ["close", "d_oi", "unmapped"]
    assert again.claims[1].value == -14833
    assert (again.publisher, again.as_of) == ("Guoxin Futures", AS_OF)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "note.txt: the file is empty"),
        (b"\xff\xfe\x00\x01", "note.txt: the file is neither UTF-8 nor GB18030 text"),
        ("氧化铝日报".encode(), "note.txt: the text prints no full date; state the note's day with --as-of"),
        ("氧化铝日报 2025年13月41日".encode(), "note.txt: '2025年13月41日' is not a day"),
        ("铜日报 2025年7月4日".encode(), "note.txt: the text names no commodity of the catalogue"),
        ("氧化铝日报 2025年7月4日，震荡。".encode(), "note.txt: no claim can be told with confidence in its 0 numbers"),
        (b"x" * (8 * 2**20 + 1), "note.txt: the file is larger than the 8,388,608 bytes"),
        (b"x" * 200_001, "note.txt: the text holds more than the 200,000 characters"),
        ("氧化铝2025年7月4日 ".encode() + b"12.5, " * 6000, "note.txt: more than 5,000 numbers"),
    ],
)
def test_a_text_that_gives_no_note_is_one_sentence(tmp_path: Path, body: bytes, sentence: str) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes(body)
    with pytest.raises(ClaimsError, match=sentence) as refused:
        extracted(path, read_text(path, LIMITS), {}, CATALOG, CALENDAR)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "收于" * 50_000,
        "1" * 100_000,
        "（" * 100_000,
        "3042元/吨" * 5_000,
        "\t3" * 20_000,
        "AO2509" * 20_000,
        "较" * 100_000 + "3%",
        " " * 200_000 + "3",
    ],
)
def test_a_text_made_to_cost_ends(text: str) -> None:
    found: list[Found] = []
    with contextlib.suppress(TooManyNumbersError):
        found = extract(text)
    assert len(found) <= NUMBERS_LIMIT
