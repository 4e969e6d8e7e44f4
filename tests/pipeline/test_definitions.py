"""Corrected definitions, before and after, on the ten days around the delivery of AO2507.

The old figure is computed here from published columns by the old rule; the new one comes from the mart.
"""

from datetime import date
from typing import Any

import pytest

DAYS = [date(2025, 7, day) for day in (14, 15, 16, 17, 18, 21, 22, 23)]


def told(sample: Any, figures: str, table: str = "marts.fct_receipts_daily", more: str = "") -> list[tuple[Any, ...]]:
    """Give figures of AO on each of the days, in their order; `figures` may look back beyond the first."""
    days = ", ".join(f"date '{day}'" for day in DAYS)
    rows = sample.published(
        f"select * exclude (trade_date) from (select trade_date, {figures} from {table} where commodity_code = 'AO' {more} order by trade_date) "
        f"where trade_date in ({days}) order by trade_date"
    )
    assert len(rows) == len(DAYS)
    return rows


def test_a_low_level_that_falls_further_is_low(sample: Any) -> None:
    before = "percentile_since_first_nonzero_ratio <= 0.05 and receipts_t = lag(receipts_t) over d and receipts_t = lag(receipts_t, 2) over d"
    rows = sample.published(
        f"select old, is_low from (select trade_date, {before} as old, is_low from marts.fct_receipts_daily where commodity_code = 'AO' "
        "window d as (order by trade_date)) where trade_date between ? and ? order by trade_date",
        DAYS[0],
        DAYS[-1],
    )
    assert [old for old, _ in rows] == [False, False, False, True, False, False, True, False]
    assert [new for _, new in rows] == [False, False, False, False, True, True, True, False]


def test_a_squeeze_has_no_cliff_at_twenty_sessions(sample: Any) -> None:
    """Before, AO2508 was none with 21 sessions left and an alert with 20; its last trading day hid the contract behind AO2507."""
    before = (
        "case when squeeze_sessions > 20 or days_since_ltd = 0 then 'none' when squeeze_ratio > 15 then 'alert' when squeeze_ratio > 5 then 'watch' "
        "else 'none' end"
    )
    rows = told(sample, f"{before} as old, squeeze_contract, squeeze_sessions, squeeze_ratio, squeeze_state")
    assert [old for old, *_ in rows] == ["none"] * 4 + ["alert"] * 4
    assert [(contract, left) for _, contract, left, *_ in rows] == [("AO2507", 1), *(("AO2508", left) for left in (23, 22, 21, 20, 19, 18, 17))]
    assert [round(ratio, 1) for *_, ratio, _ in rows] == [0.3, 37.3, 33.2, 29.6, 91.9, 76.8, 60.5, 43.0]
    assert [state for *_, state in rows] == ["none"] + ["alert"] * 7


def test_the_floor_of_22_july_is_some_4800_lots_and_all_earlier_cycles_lay_lower(sample: Any) -> None:
    ((floor, receipts, lots, rank, cycles, state),) = sample.published(
        "select squeeze_floor_ratio, receipts_t, open_interest_lots, squeeze_percentile_ratio, squeeze_cycles, squeeze_state "
        "from marts.fct_receipts_daily as r inner join marts.fct_futures_daily as f on f.contract_code = r.squeeze_contract and f.trade_date = r.trade_date "
        "where r.commodity_code = 'AO' and r.trade_date = date '2025-07-22'"
    )
    assert (round(floor, 6), round(floor * receipts / 20)) == (13.8, 4776)
    assert (rank, cycles) == (1.0, 20)
    assert lots >= 4776 and state == "alert"


def test_eleven_warrants_on_a_near_record_low_are_no_inflow(sample: Any) -> None:
    """Rule O12 fired on +14.9 % and +13.4 %, and both statements were short before a rise of a tenth."""
    rows = told(sample, "receipts_change_3d_pct, receipts_change_norm, is_inflow")
    assert [round(pct, 1) for pct, *_ in rows] == [5.4, 14.9, 13.4, 9.0, -72.9, -72.9, -72.9, 8.7]
    assert [pct >= 10 for pct, *_ in rows] == [False, True, True] + [False] * 5
    assert [round(norm, 3) for _, norm, _ in rows] == [0.007, 0.02, 0.018, 0.013, -0.124, -0.122, -0.126, 0.004]
    assert not any(new for *_, new in rows)
    fired = sample.published(
        "select distinct as_of_date from serving.outlook_drivers where commodity_code = 'AO' and driver_kind = 'rule' and rule_id = 'O12' and as_of_date between ? and ?",
        DAYS[0],
        DAYS[-1],
    )
    assert fired == []


def test_the_import_window_is_that_of_a_port_and_an_inland_region_has_none(sample: Any) -> None:
    """Before, every region was set against the quay: Guangxi and Guizhou were open on 22 July, though nobody said what the way there costs."""
    rows = sample.published(
        "select spot_leg, import_leg, round(import_profit_cny_t, 1), window_state, is_best_leg, null_reason, spot_cny_t from marts.fct_import_parity_daily "
        "where commodity_code = 'AO' and trade_date = date '2025-07-22'"
    )
    by_leg = {leg: rest for leg, *rest in rows}
    quay = by_leg["natl"][5] - by_leg["natl"][1]
    before = {leg: "open" if spot > quay else "near" if spot > quay - 50 else "closed" for leg, (*_, spot) in by_leg.items()}
    assert {leg for leg, state in before.items() if state == "open"} == {"reg_bayuquan", "reg_guangxi", "reg_guizhou"}
    assert by_leg.pop("natl")[:5] == ["none", -57.8, "closed", False, None]
    assert by_leg.pop("reg_bayuquan")[:5] == ["western_australia>australia_china>bayuquan>bayuquan", 33.0, "open", True, None]
    assert {tuple(rest[:5]) for rest in by_leg.values()} == {("none", None, None, False, "no_inland_freight")}
    known = sample.working(
        "select import_leg_profit_cny_t, import_window_state, import_profit_cny_t from intermediate.int_fundamentals__known where commodity_code = 'AO' "
        f"and as_of_date between date '{DAYS[0]}' and date '{DAYS[-1]}' order by as_of_date"
    )
    assert [(round(leg), state, round(index)) for leg, state, index in known] == [
        *((leg, "open", index) for leg, index in zip((3, 27, 23, 27, 38, 17, 33, 39), (-79, -63, -62, -56, -53, -67, -58, -44), strict=True))
    ]


def test_money_that_comes_in_is_plus_whatever_the_price_did(sample: Any) -> None:
    """Before, the size of the change of open interest had the sign of the price: on 18 July positions were given up and money left, yet it was plus."""
    rows = sample.published(
        "select sign(p.price_change_pct) * abs(p.open_interest_moved_lots) * f.close_cny_t * 20 * p.spec_margin_ratio / 1e6, p.quadrant = 'flat', "
        "p.capital_flow_cny / 1e6, (f.open_interest_lots * f.settle_cny_t - (f.open_interest_lots - p.open_interest_moved_lots) * f.pre_settle_cny_t) "
        "* 20 * p.spec_margin_ratio / 1e6 "
        "from marts.fct_positioning_daily as p inner join marts.fct_futures_daily as f using (contract_code, trade_date) "
        "where p.commodity_code = 'AO' and p.session = 'day' and p.is_dominant and p.trade_date between ? and ? order by p.trade_date",
        DAYS[0],
        DAYS[-1],
    )
    assert [0 if flat else round(old) for old, flat, *_ in rows] == [67, 60, -42, -96, 85, 76, 70, -118]
    assert [round(new) for *_, new, _ in rows] == [-85, -44, 32, -123, -66, 153, -7, -135]
    assert all(new == pytest.approx(formula) for *_, new, formula in rows)
    (whole, parts), *_ = sample.published(
        "select max(capital_flow_all_cny), sum(capital_flow_cny) from marts.fct_positioning_daily where commodity_code = 'AO' and session = 'day' and trade_date = date '2025-07-22'"
    )
    assert whole == pytest.approx(parts)


def test_the_headline_change_is_against_the_settlement_before(sample: Any) -> None:
    rows = sample.published(
        "select ret_cc_1d_pct, ret_c_ps_pct from serving.outlook_v1 where commodity_code = 'AO' and horizon = 'short' and as_of_date between ? and ? order by as_of_date",
        DAYS[0],
        DAYS[-1],
    )
    assert [round(old, 2) for old, _ in rows] == [0.9, 0.64, -1.71, -0.71, 1.42, 8.08, 3.75, -4.5]
    assert [round(new, 2) for _, new in rows] == [-0.6, 1.22, -1.58, -1.59, 1.65, 8.39, 6.07, -2.81]
    ((en, zh),) = sample.published(
        "select headline_en, headline_zh from serving.outlook_v1 where commodity_code = 'AO' and horizon = 'short' and as_of_date = date '2025-07-22'"
    )
    assert "+6.07 %" in en and "+3.75 %" in en and "+6.07%" in zh and "+3.75%" in zh
