"""The note from a release with almost nothing in it: what is missing says so, and nothing from data becomes markup or script."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest
from lxml import html

from ingest.settings import REPOSITORY, Settings
from ingest.sources import SOURCES
from serving.publish import release
from serving.research.note import page
from serving.research.note.charts.futures import apart
from serving.research.note.charts.statements import reliability
from serving.research.note.contents import contents
from serving.research.note.indicators import GROUPS
from serving.research.note.known import NoteError
from serving.research.terms import TERMS
from serving.research.wording import CODES, FEEDS, Said, bound, claimed, is_met, measured, number, reason

pytest.importorskip("vl_convert", reason="the chart library is not installed")

HOSTILE = "</script><script>alert(1)</script>&\"'<b>"
DAY = date(2025, 7, 22)
ROW = """
    select 'AO' as commodity_code, date '2025-07-22' as as_of_date, timestamptz '2025-07-22 17:30:00+08' as decision_at, horizon,
        0::bigint as stance, 'sideways' as direction, null::bigint as call, 'panel_too_short:3x120' as call_reason, null::double as probability_up,
        3300e0 as interval80_low_cny_t, 3600e0 as interval80_high_cny_t, 30::bigint as stance_track_n, 0.4 as stance_track_hit_ratio,
        0.5 as stance_track_base_ratio, 10.0 as sentiment_score, 'full' as profile, -5.0 as score_band_low, 20.0 as score_band_high, 1.0 as coverage,
        1.0 as contribution_policy, 2.0 as contribution_receipts, 3.0 as contribution_money, -4.0 as contribution_fundamentals,
        null::varchar as missing_blocks, 'validated' as status, null::varchar as status_reason, '' as rule_ids, null::varchar as risk_flags,
        null::varchar as weakened_flags, null::varchar as tail, null::varchar as volatility_regime, 3423e0 as close_cny_t, '3500;3150' as support_levels,
        null::varchar as resistance_levels, 3500e0 as trigger_level_cny_t, 'Alumina: sideways. One fact for all.' as headline_en,
        '氧化铝：震荡。共同的事实。' as headline_zh, 'AO2509' as dominant_contract, timestamptz '2025-07-23 17:30:00+08' as valid_until,
        null::double as ret_c_ps_pct, null::double as ret_cc_1d_pct, null::date as quotes_date, null::date as receipts_date, null::varchar as stance_reason,
        '2025-07' as model_version, 'abc' as inputs_hash, 'files' as data_origin, '' as disclaimer
    from (values ('short'), ('medium'), ('long')) as horizons (horizon)
"""


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'Asia/Shanghai'; create schema serving; create schema marts")
        con.execute(f"create table serving.outlook_v2 as {ROW}")
        con.execute(
            "create table marts.dim_trading_day as select d::date as trade_date from range(date '2025-07-14', date '2025-07-24', interval 1 day) t(d)"
        )
        yield con


def add_spot(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """
        create table marts.fct_spot_daily as select 'AO' as commodity_code, trade_date, 'SMM' as provider, region, 'daily' as frequency,
            100e0 * day(trade_date) as spot_cny_t, null::double as spot_low_cny_t, null::double as spot_high_cny_t, null::double as spot_change_cny_t, null::varchar as null_reason,
            (trade_date + interval 12 hour)::timestamptz as available_at
        from marts.dim_trading_day, (values ('national'), ($region)) as regions (region)
        """,
        {"region": HOSTILE},
    )


def told(element: html.HtmlElement, language: str = "en") -> str:
    """The text of an element in one language."""
    other = {"en": "zh", "zh": "en"}[language]
    return " ".join("".join(element.xpath(f".//text()[not(ancestor::*[contains(concat(' ', @class, ' '), ' {other} ')])]")).split())


def rows_of(document: html.HtmlElement, key: str) -> list[dict]:
    """The rows of a chart, as the page's script unpacks them."""
    data = json.loads(document.xpath(f"//script[@data-chart='{key}']")[0].text)["datasets"]["rows"]
    return [dict(zip(data["columns"], values, strict=True)) for values in data["values"]]


def test_a_release_without_marts_shows_no_empty_rows_and_names_what_has_no_source(con) -> None:
    document = html.fromstring(page.render(con, None))
    assert document.xpath("//table[@class='figures'] | //script[@data-chart]") == []
    quality = told(document.xpath("//section[@aria-labelledby='h-quality']")[0])
    assert "0 of 0 figures are current" in quality
    names = [indicator.code for _, indicators in GROUPS for indicator in indicators]
    assert len(names) > 20
    assert all(TERMS[name.partition("@")[0]].en.lower() in quality.lower() for name in names)
    assert "not published" in document.xpath("//footer")[0].text_content()


def test_each_horizon_says_what_its_own_stance_stands_on(con) -> None:
    con.execute(
        """
        create table serving.outlook_drivers as select 'AO' as commodity_code, date '2025-07-22' as as_of_date,
            timestamptz '2025-07-22 17:30:00+08' as decision_at, 'stance' as driver_kind, driver, driver_name,
            driver_name as driver_name_zh, null::varchar as block, '' as rule_id, 'own' as signal, 'score' as unit, value as signal_value,
            null::double as percentile_ratio, null::varchar as condition_text, null::double as component_score, null::double as weight,
            null::double as contribution, null::varchar as null_reason, null::date as data_date, lean as lean_value
        from (values ('short.money', 'money', 38e0, 38e0), ('short.policy', 'policy', -3e0, -3e0), ('medium.carry', 'carry', 0.1e0, 0e0),
            ('medium.exports', 'exports', null, null)) as parts (driver, driver_name, value, lean)
        """
    )
    cards = html.fromstring(page.render(con, None)).xpath("//article[contains(@class, 'card')]")
    said = [told(card.xpath(".//p[@class='sentence']")[0]) if card.xpath(".//p[@class='sentence']") else "" for card in cards]
    assert said == [
        "For a rise: money (+38 points). For a fall: policy (−3 points).",
        "On neither side: carry (0 points). Not known: exports.",
        "",
    ]


def test_a_sentence_with_a_figure_that_is_not_known_is_left_out(con) -> None:
    assert told(html.fromstring(page.render(con, None)).xpath("//p[@class='lead']")[0]) == (
        "The evidence: short term leans to neither side, medium term leans to neither side, long term leans to neither side. No rule flags a risk today."
    )


def test_a_card_tells_forecast_interval_and_record_apart_from_where_the_evidence_leans(con) -> None:
    con.execute("update serving.outlook_v2 set call = 1, probability_up = 0.57, stance = -1, direction = 'down' where horizon = 'short'")
    cards = html.fromstring(page.render(con, None)).xpath("//article[contains(@class, 'card')]")
    texts = [told(card) for card in cards]
    assert "▼ Leans down −1" in texts[0]
    assert "rise 57%" in texts[0]
    assert "◆ Leans to neither side 0" in texts[1]
    assert "history too short" in texts[1]
    assert all("3,300–3,600" in text and "40% / 50% n 30" in text for text in texts)
    assert not any("will" in text for text in texts)


def test_a_rejected_outlook_says_so_and_why(con) -> None:
    con.execute(
        "update serving.outlook_v2 set status = 'rejected', stance = null, direction = 'undecided', call_reason = 'rejected', sentiment_score = null, "
        "status_reason = 'chain_too_short;no_quotes', missing_blocks = 'fundamentals', headline_en = 'No statement.', headline_zh = '不作判断。'"
    )
    document = html.fromstring(page.render(con, None))
    cards = document.xpath("//article[contains(@class, 'card rejected')]")
    assert len(cards) == 3
    assert all(
        "Rejected" in card.text_content() and "the chain of returns is too short; 无行情no quotes (基本面Fundamentals)" in card.text_content()
        for card in cards
    )
    assert "No sentiment score: too little is known." in document.text_content()


def test_nothing_from_data_becomes_markup_or_ends_a_script(con) -> None:
    add_spot(con)
    con.execute("update serving.outlook_v2 set headline_en = $text || '. Two.', headline_zh = $text, dominant_contract = $text", {"text": HOSTILE})
    text = page.render(con, None)
    document = html.fromstring(text)
    assert [script for script in document.xpath("//script") if "alert(1)" in script.text and script.get("type") != "application/json"] == []
    assert HOSTILE not in text
    assert document.xpath("//main//b[not(text()) and not(*)]") == []
    names = [row["name"] for row in rows_of(document, "regions")]
    assert any(HOSTILE in name for name in names)  # told all the same, only written so that it ends nothing


def test_the_policy_names_the_two_scripts_and_forbids_the_rest(con) -> None:
    import base64
    import hashlib

    document = html.fromstring(page.render(con, None))
    policy = document.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    scripts = [script.text for script in document.xpath("//script[not(@type)]")]
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts]
    assert f"script-src {' '.join(hashes)}" in policy
    assert policy.startswith("default-src 'none'")
    assert document.xpath("//@src | //link[@rel='stylesheet']") == []


def test_facts_published_after_the_decision_are_not_there(con) -> None:
    add_spot(con)
    con.execute("update marts.fct_spot_daily set available_at = timestamptz '2025-07-22 17:31:00+08' where trade_date = date '2025-07-22'")
    document = html.fromstring(page.render(con, None))
    assert max(row["t"] for row in rows_of(document, "regions")) == "2025-07-21"
    row = next(row for row in document.xpath("//table[@class='figures']//tr") if "Spot index" in row.text_content())
    assert "2,100.00" in row.text_content()
    assert "+100.00" in row.text_content()
    assert "1 d late" in row.text_content()
    assert row.get("class") == "late"


@pytest.mark.parametrize(
    ("dataset", "key", "until", "told"),
    [
        ("vendor_series", "SMM-AO-INDEX", "2025-07-23 09:00", 1),
        ("daily_quotes", "AO2509", "2025-07-22 17:31", 1),
        ("daily_quotes", "AOX", "2025-07-23 09:00", 0),
        ("monthly_trade", "28182000|export|total", "2025-07-23 09:00", 1),
        ("vendor_series", "SMM-AL-ELSEWHERE", "2025-07-23 09:00", 0),
        ("vendor_series", "SMM-AO-INDEX", "2025-07-22 17:30", 0),
    ],
)
def test_what_was_restated_after_the_decision_is_counted(con, dataset: str, key: str, until: str, told: int) -> None:
    """Of the commodity and in force at the decision: two columns of one print count once."""
    con.execute(
        "create table serving.claim_facts as select $dataset as dataset, date '2025-07-21' as obs_date, $key as fact_key, name as column_name, "
        "timestamptz '2025-07-21 11:40:00+08' as available_at, ($until || ':00+08')::timestamptz as superseded_at from (values ('value'), ('low')) as names (name)",
        {"dataset": dataset, "key": key, "until": until},
    )
    said = html.fromstring(page.render(con, None)).xpath("//p[@class='restated']")
    assert [f"{told} figures in force at the decision" in one.text_content() for one in said] == [True] * told


def test_an_unknown_day_or_commodity_is_one_sentence(con) -> None:
    with pytest.raises(NoteError, match="no outlook for AO on 2025-07-20; published: AO from 2025-07-22 to 2025-07-22"):
        page.render(con, None, date(2025, 7, 20), "AO")
    with pytest.raises(NoteError, match="no outlook for CU on any day"):
        page.render(con, None, None, "CU")


def test_a_note_that_cannot_be_made_refuses_the_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "released", lambda *_: (_ for _ in ()).throw(RuntimeError("ink ran out")))
    with duckdb.connect() as con, pytest.raises(release.PublishRefusedError, match="the note cannot be made: RuntimeError: ink ran out"):
        release._write_note(con, Settings(home=tmp_path), tmp_path, ())
    assert not (tmp_path / page.FILE_NAME).exists()


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (None, "+.1f", "–"),
        (-0.001, "+.2f", "0.00"),
        (0, "+d", "0"),
        (-1234.5, "+,.0f", "−1,234"),
        (6922.0, "compact", "6,922"),
        (22.0, "compact", "22"),
        (0.0241, "compact", "0.024"),
    ],
)
def test_figures_are_written_for_readers(value, form: str, text: str) -> None:
    assert number(value, form) == text


@pytest.mark.parametrize(
    ("text", "unit", "zh", "en"),
    [
        ("eq 3470 yuan/t", "yuan/t", "3,470 元/吨", "3,470 CNY/t"),
        ("ge 18000 lots", "lots", "≥ 18,000 手", "≥ 18,000 lots"),
        ("range 3400 to 3500 yuan/t", "yuan/t", "3,400–3,500 元/吨", "3,400–3,500 CNY/t"),
        ("approx -0.16 pct", "pct", "≈ −0.16 %", "≈ −0.16 %"),
        ("eq 12", "", "12", "12"),
        ("up", "lots", "上行", "up"),
        ("", "", "", ""),
    ],
)
def test_claims_are_written_for_readers(text: str, unit: str, zh: str, en: str) -> None:
    assert claimed(text, unit) == Said(zh, en)


@pytest.mark.parametrize(
    ("condition", "text"),
    [("score >= 40.00", "≥ 40"), ("surplus_pct > 0.00", "> 0"), ("trend <> -1.00", "≠ −1"), ("receipts_percentile_ratio <= 0.05", "≤ 0.05")],
)
def test_conditions_are_written_as_what_a_figure_is_held_against(condition: str, text: str) -> None:
    assert bound(condition) == text


def test_a_share_is_held_against_per_cent() -> None:
    assert bound("expiring_30d_ratio >= 0.50", as_share=True) == "≥ 50%"
    assert bound("profit_percentile_ratio <> -1,000.05", as_share=True) == "≠ −100005%"


def test_the_reliability_of_probabilities_is_told_by_side_and_a_dot_stands_for_several() -> None:
    day = date(2025, 7, 22)
    rows = [{"day": day, "p": 0.6, "rose": place < 7} for place in range(10)] + [{"day": day, "p": 0.4, "rose": place < 2} for place in range(10)]
    one = {"day": day, "p": 0.5, "rose": True}
    drawn = reliability([*rows, one])
    assert drawn.spec["datasets"]["rows"]["values"] == [[0.4, 0.2, 10, "2025-07-22"], [0.6, 0.7, 10, "2025-07-22"]]
    assert drawn.says.zh.startswith("看涨的10次中实际上涨70%（平均所述60%）；看跌的10次中实际上涨20%（平均所述40%）。")
    assert drawn.says.en.startswith("70% of 10 rose with a probability above a half (60% said on average); 20% of 10")


@pytest.mark.parametrize(
    ("condition", "value", "holds"),
    [
        ("score >= 40.00", 40.0, True),
        ("score >= 40.00", 39.9, False),
        ("profit > 1,000.00", 1000.5, True),
        ("trend <> -1.00", -1.0, False),
        ("score >= 40.00", None, False),
    ],
)
def test_of_alternatives_the_one_that_held_is_told_apart(condition: str, value: float | None, holds: bool) -> None:
    assert is_met(condition, value) is holds


def test_a_figure_has_its_unit_and_a_truth_its_word() -> None:
    assert measured(37.8, "CNY/t") == Said("37.80 元/吨", "37.80 CNY/t")
    assert measured(4.89, "pct") == Said("4.89%", "4.89%")
    assert measured(0.0, "0 or 1") == Said("否", "no")
    assert measured(None, "CNY/t") == Said("–", "–")
    assert measured(2.0, "0, 1 or 2") == Said("2", "2")


VENDOR_FEEDS = ("spot_price", "overseas", "cost_profit", "inputs", "capacity", "inventory", "bars")
FILES = (
    "kx20250716.dat", "20250716dailystock.dat", "dailystock_20250716.html", "pm20250716.dat", "js20250716.dat", "Settlement20250716.dat",
    "ContractDailyTradeArgument20250716.dat", "currentTradingday.dat", "day_quotes_20250716.json", "wbill_lc_20250716.json",
    "gacc_import_202505.csv", "156_0_2818_M_202411.json", "cfets_CcprHisNew.json", "cfets_ccpr.json", "events.csv", "shmet_newsflash.json",
    "20250718weeklystock.dat", "weeklystock_20260918.html", "ContractBaseInfo20250716.dat", "FutureDataDaily_20250716.txt",
    "FutureDataHolding_20250716.txt", "tushare_fut_rcpt_mat_20250716.csv", "nobody_knows_it.bin", *(f"smm_{feed}_20250716.csv" for feed in VENDOR_FEEDS),
)  # fmt: skip


def test_every_feed_has_a_name_in_both_languages() -> None:
    """Every file the README names, and what the exchanges are asked for in each of their eras."""
    read = {name: next(filter(None, (source.recognise(name) for source in SOURCES if source.name != "catalog"))).feed for name in FILES}
    assert len(set(read.values())) == len(FILES)
    asked = {request.feed for source in SOURCES for day in (date(2025, 7, 22), date(2025, 11, 18)) for request in source.requests(day)}
    assert (asked | set(read.values())) - FEEDS.keys() == set()
    assert asked - set(read.values()) == set()


def test_every_code_of_the_shipped_rules_has_words() -> None:
    rules = tomllib.loads((REPOSITORY / "ingest/catalog/rules.toml").read_text(encoding="utf-8"))["rule"]
    texts = {effect["text"] for rule in rules for effect in rule["effects"] if effect["effect"] in ("watch", "weaken", "conflict", "alert")}
    assert texts - CODES.keys() == set()


def test_reasons_of_another_column_are_not_told() -> None:
    assert reason("ret_cc_5d_pct:not_traded;squeeze_ratio:no_receipts", "squeeze_ratio") == Said("无仓单", "no receipts")
    assert reason("never_heard_of") == Said("never heard of", "never heard of")
    assert not re.search("[a-z]", reason("stale").zh)


def test_a_release_of_before_the_chinese_text_shows_the_english_one(con) -> None:
    con.execute(
        """
        create table serving.claim_audit as select 'note.csv' as note_name, 'C1' as claim_id, 'AO2509' as entity, '2025-07-22' as period, '收于3423' as quote_zh,
            'eq 3423 yuan/t' as claimed, 'yuan/t' as unit, 'contradicted' as verdict, 3513e0 as value_found, '' as evidence,
            'a price of the day' as reconciling_definition
        """
    )
    con.execute("create table marts.dim_commodity (commodity_code varchar, name_zh varchar, name_en varchar)")
    (cell,) = html.fromstring(contents(con, lambda *_: None, [])).xpath("//section[@aria-labelledby='h-claims']//td[contains(@class, 'small')]")
    assert [span.text for span in cell.xpath("./span")] == ["a price of the day"] * 2


def test_a_figure_has_no_place_among_too_few(con) -> None:
    add_spot(con)
    document = html.fromstring(page.render(con, None))
    (row,) = [row for row in document.xpath("//table[@class='figures']/tbody/tr") if row.xpath("./th/span[@class='en']")[0].text == "Spot index"]
    assert [told(cell) for cell in row.xpath("./td")][:3] == ["2,200.00", "+100.00", ""]


def test_a_price_chart_names_at_most_four_levels_that_leave_each_other_room() -> None:
    levels = [(price, Said("位", "level")) for price in (3500.0, 3510.0, 3297.0, 3150.0, 9000.0, 2971.0, 2800.0)]
    chosen = [price for price, _ in apart(levels, [2700.0, 3900.0])]
    assert chosen == [3500.0, 3297.0, 3150.0, 2971.0]  # not one that would cover a name, none beyond reach, no fifth
    assert apart(levels, []) == []
