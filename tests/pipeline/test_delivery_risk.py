"""Delivery risk on the sample: each day's row has supply and demand for delivery, and says in words whether the squeeze is real."""

from datetime import date
from typing import Any

import pytest

FRIDAY = date(2025, 7, 18)


def risk(sample: Any, day: date, columns: str) -> tuple[Any, ...]:
    (row,) = sample.published(f"select {columns} from marts.fct_delivery_risk_daily where commodity_code = 'AO' and trade_date = ?", day)
    return row


def test_18_july_is_the_delivery_of_ao2507_and_what_is_left_is_a_squeeze_of_ao2508(sample: Any) -> None:
    columns = "receipts_t, receipts_change_t, delivered_contract, days_since_delivery, withdrawn_t, near_contract, near_sessions, squeeze_state, squeeze_percentile_ratio"
    assert risk(sample, FRIDAY, columns) == (6922, -18604, "AO2507", 1, 18604, "AO2508", 20, "alert", 1.0)
    (answer, en, zh), *_ = sample.published(
        "select answer, answer_en, answer_zh from serving.squeeze_answers where commodity_code = 'AO' and trade_date = ?", FRIDAY
    )
    assert answer in ("squeeze", "warrants_short")
    for figure in ("18,604", "6,922", "AO2507", "AO2508", "636,340"):
        assert figure in en and figure in zh, figure


def test_each_day_of_a_decision_has_a_row_and_its_figures_add_up(sample: Any) -> None:
    assert sample.working(
        "select count(*) from intermediate.int_calendar__decisions as d full join marts.fct_delivery_risk_daily as r "
        "on d.commodity_code = r.commodity_code and d.as_of_date = r.trade_date where d.as_of_date is null or r.trade_date is null"
    ) == [(0,)]
    assert sample.published(
        "select count(*) from marts.fct_delivery_risk_daily where abs(deliverable_t - on_warrant_t - off_warrant_t) > 1e-6 or available_at > decision_at "
        "or abs(squeeze_ratio - near_open_interest_t / receipts_t) > 1e-9 or near_sessions >= next_sessions"
    ) == [(0,)]


def test_the_weekly_report_of_a_day_was_known_at_its_decision(sample: Any) -> None:
    held, early = sample.published(
        "select count(stock_date), count(*) filter (stock_date > trade_date) from marts.fct_delivery_risk_daily where commodity_code = 'AO'"
    )[0]
    assert held > 0 and early == 0
    assert risk(sample, date(2025, 7, 17), "stock_date, off_warrant_t is not null") == (date(2025, 7, 11), True)


def test_what_the_words_say_is_what_the_row_says(sample: Any) -> None:
    rows = sample.published(
        "select answer, squeeze_state, squeeze_deliverable_ratio, squeeze_floor_ratio, answer_en, answer_zh from serving.squeeze_answers"
    )
    assert {answer for answer, *_ in rows} >= {"none", "watch", "squeeze", "warrants_short", "easing"}
    assert all(en and zh for *_, en, zh in rows)
    assert all((answer == "none") == (state == "none") and (answer == "unknown") == (state is None) for answer, state, *_ in rows)
    assert all(ratio < floor / 3 for answer, _, ratio, floor, *_ in rows if answer == "warrants_short")


def test_a_home_without_a_vendor_has_a_margin_on_futures_with_its_range(sample: Any) -> None:
    low, middle, high, margin, spot, caustic = sample.published(
        "select profit_futures_low_cny_t, profit_futures_cny_t, profit_futures_high_cny_t, margin_futures_pct, spot_cny_t, caustic_cost_cny_t "
        "from marts.fct_margin_daily where commodity_code = 'AO' and model_id = 'public' and trade_date = date '2025-07-22'"
    )[0]
    assert low < middle < high and spot is None
    settle = sample.working(
        "select settle_price from intermediate.int_panel__contracts where exchange = 'CZCE' and product_id = 'sh' and trade_date = date '2025-07-22' "
        "order by open_interest_before_lots desc limit 1"
    )[0][0]
    assert caustic == pytest.approx(0.13 * settle)
    assert margin == pytest.approx(100 * middle / (3513 - middle))
    read = sample.working(
        "select cost_full_cny_t from intermediate.int_fundamentals__costs where commodity_code = 'AO' and as_of_date = date '2025-07-22'"
    )
    assert read == [(2841.0,)], "the vendor's model is read, the public one stands beside it"


def test_a_commoditys_squeeze_is_that_of_its_product_in_the_panel(sample: Any) -> None:
    told = sample.working(
        "select count(*), count(*) filter (panel.squeeze_level <> case daily.squeeze_state when 'alert' then 2 when 'watch' then 1 else 0 end "
        "or abs(panel.squeeze_ratio - daily.squeeze_ratio) > 1e-9) from intermediate.int_receipts__daily as daily "
        "inner join raw.catalog__commodities as commodities using (commodity_code) inner join intermediate.int_panel__squeeze as panel "
        "on commodities.exchange = panel.exchange and commodities.product_id = panel.product_id and daily.trade_date = panel.trade_date "
        "where daily.reading = 'decided'"
    )
    assert told[0][0] > 1000 and told[0][1] == 0
