"""Receipts, spot, basis and cash-and-carry: the published figures of 2025 come out of the marts, each as a named test."""

from datetime import date
from typing import Any

import pytest

DAY = date(2025, 7, 22)


def receipts(sample: Any, day: date, *columns: str) -> tuple[Any, ...]:
    rows = sample.published(f"select {', '.join(columns)} from marts.fct_receipts_daily where commodity_code = 'AO' and trade_date = ?", day)
    assert len(rows) == 1
    return rows[0]


def premium(sample: Any, day: date, leg: str, source: str) -> float:
    rows = sample.published(
        "select premium_cny_t from marts.fct_basis_daily "
        "where commodity_code = 'AO' and spot_leg = 'natl' and trade_date = ? and futures_leg = ? and price_source = ?",
        day,
        leg,
        source,
    )
    assert len(rows) == 1
    return rows[0][0]


def test_6922_t_are_23_warrants_and_the_day_before_held_85(sample) -> None:
    """Inconsistency I-13: bags weigh slightly over, so none of the three is an exact multiple of 300 t."""
    assert receipts(sample, date(2025, 7, 18), "receipts_t", "receipts_change_t", "warrants", "is_warrant_multiple") == (6922, -18604, 23, True)
    assert receipts(sample, date(2025, 7, 17), "receipts_t", "warrants", "is_warrant_multiple") == (25526, 85, True)


@pytest.mark.parametrize(
    ("day", "contract", "since"), [(date(2025, 7, 18), "AO2507", 3), (date(2025, 6, 17), "AO2506", 1), (date(2025, 7, 15), "AO2507", 0)]
)
def test_sessions_since_the_last_delivery(sample, day: date, contract: str, since: int) -> None:
    assert receipts(sample, day, "delivered_contract", "days_since_ltd", "days_since_delivery") == (contract, since, since - 2)


def test_the_fall_of_17_june_is_17134_t(sample) -> None:
    assert receipts(sample, date(2025, 6, 17), "receipts_change_t") == (-17134,)


def test_21_delivery_cycles_from_ao2311_to_ao2507(sample) -> None:
    rows = sample.published(
        "select count(distinct delivered_contract), min(delivered_contract), max(delivered_contract) from marts.fct_receipts_daily where commodity_code = 'AO'"
    )
    assert rows == [(21, "AO2311", "AO2507")]


def test_squeeze_ratio_of_the_main_contract_is_611_and_only_a_rank(sample) -> None:
    ratio, rank, state_contract = receipts(sample, DAY, "squeeze_dominant_ratio", "squeeze_dominant_percentile_ratio", "squeeze_contract")
    assert ratio == pytest.approx(611, abs=0.5)
    assert 0.95 < rank <= 1
    assert state_contract == "AO2508"


def test_the_true_minimum_since_listing_is_zero_so_both_percentiles_are_shown(sample) -> None:
    """Inconsistency I-12: 'near the lowest since listing' holds only since the first receipt."""
    assert sample.published("select min(receipts_t) from marts.fct_receipts_daily where commodity_code = 'AO'") == [(0,)]
    since_listing, since_first = receipts(sample, DAY, "percentile_since_listing_ratio", "percentile_since_first_nonzero_ratio")
    levels = [
        level
        for (level,) in sample.published(
            "select receipts_t from marts.fct_receipts_daily where commodity_code = 'AO' and trade_date <= ? order by trade_date", DAY
        )
    ]
    begun = levels[next(place for place, level in enumerate(levels) if level > 0) :]
    assert len(levels) == 507
    assert since_listing == pytest.approx(sum(level <= 6922 for level in levels) / len(levels))
    assert since_first == pytest.approx(sum(level <= 6922 for level in begun) / len(begun))
    assert since_first <= 0.05 < since_listing


def test_receipts_are_low_and_delivery_is_a_concern_on_22_july(sample) -> None:
    assert receipts(sample, DAY, "is_low", "has_delivery_concern") == (True, True)
    assert receipts(sample, date(2025, 7, 23), "is_low") == (False,), "the level rises again"


def test_what_expires_goes_by_the_last_table_known_at_the_decision_and_before_the_first_there_is_none(sample) -> None:
    row = receipts(sample, date(2025, 3, 14), "expiry_30d_ratio", "expiry_60d_ratio", "expiry_90d_ratio", "null_reason")
    assert row[:3] == (None, None, None)
    assert row[3].count("no_expiry_schedule") == 3
    # The table of the 17th, when 25,526 t were held, is known at the decision of the 18th; that of the 18th is not.
    table = "raw.expiry__receipts where product_id = 'ao' and trade_date = date '2025-07-17'"
    (expected,) = sample.working(
        f"select sum(expiring_0m_qty), sum(expiring_0m_qty + expiring_1m_qty), sum(expiring_0m_qty + expiring_1m_qty + expiring_2m_qty) from {table}"
    )
    assert expected[0] > 0
    row = receipts(sample, date(2025, 7, 18), "expiry_30d_ratio", "expiry_60d_ratio", "expiry_90d_ratio")
    assert row == pytest.approx(tuple(tonnes / 6922 for tonnes in expected))
    (spread,) = sample.published("select max(expiry_90d_ratio) <= 1, count(expiry_30d_ratio) > 100 from marts.fct_receipts_daily")
    assert spread == (True, True)


def test_percentiles_of_a_commodity_without_its_whole_history_are_null(sample) -> None:
    """Aluminium was listed in 1992; the sample begins in 2023."""
    rows = sample.published(
        "select count(percentile_since_listing_ratio), count(percentile_since_first_nonzero_ratio) > 400, bool_and(null_reason like '%percentile_since_listing_ratio:history_incomplete%') "
        "from marts.fct_receipts_daily where commodity_code = 'AL'"
    )
    assert rows == [(0, True, True)]


def test_regional_receipts_of_26_may(sample) -> None:
    rows = dict(
        sample.published(
            "select distinct region, region_receipts_t from marts.fct_receipts_warehouse_daily where commodity_code = 'AO' and trade_date = date '2025-05-26'"
        )
    )
    assert rows["guangxi"] == 6304 and rows["shandong"] == 601 and rows["henan"] == 3001 and rows["gansu"] == 6306
    assert rows["xinjiang"] == pytest.approx(134_200, abs=50)


@pytest.mark.parametrize(
    ("region", "low", "high"),
    [
        ("shandong", 3050, 3110),
        ("henan", 3080, 3120),
        ("shanxi", 3050, 3110),
        ("guangxi", 3160, 3200),
        ("guizhou", 3130, 3230),
        ("bayuquan", 3160, 3240),
    ],
)
def test_regional_range_of_3_july(sample, region: str, low: float, high: float) -> None:
    rows = sample.published(
        "select spot_low_cny_t, spot_high_cny_t, spot_mid_cny_t from marts.fct_spot_daily where region = ? and trade_date = date '2025-07-03'", region
    )
    assert rows == [(low, high, (low + high) / 2)]


def test_spread_between_regions_on_3_july(sample) -> None:
    rows = sample.published("select distinct region_spread_cny_t from marts.fct_spot_daily where trade_date = date '2025-07-03'")
    assert rows == [(3200 - 3080,)]


def test_the_index_rose_14_12_or_0_44_percent_from_3185_06(sample) -> None:
    today, rise, percent = sample.published(
        "select spot_cny_t, spot_change_cny_t, spot_change_pct from marts.fct_spot_daily where region = 'national' and trade_date = ?", DAY
    )[0]
    assert (today, rise, today - rise) == pytest.approx((3199.18, 14.12, 3185.06))
    assert percent == pytest.approx(0.44, abs=0.005)


def test_the_rise_of_the_index_accelerates_against_the_five_before(sample) -> None:
    rows = sample.published(
        "select spot_change_cny_t, is_accelerating from marts.fct_spot_daily where region = 'national' and trade_date <= ? order by trade_date desc limit 6",
        DAY,
    )
    assert rows[0][1] == (rows[0][0] > sum(change for change, _ in rows[1:]) / 5)


@pytest.mark.parametrize(
    ("leg", "source", "expected"), [("close", "exchange", 313.82), ("settle", "exchange", 252.82), ("t1130", "vendor_spread", 228.82)]
)
def test_premium_of_22_july_on_each_clock(sample, leg: str, source: str, expected: float) -> None:
    assert premium(sample, DAY, leg, source) == pytest.approx(expected)


def test_the_190_of_the_note_reproduces_on_no_single_clock(sample) -> None:
    """Inconsistency I-4: 21 July at 11:30 against the spot of the 22nd."""
    day_before = date(2025, 7, 21)
    assert premium(sample, day_before, "t1130", "vendor_spread") == pytest.approx(203.94)
    futures = sample.published(
        "select futures_cny_t from marts.fct_basis_daily where trade_date = ? and futures_leg = 't1130' and spot_leg = 'natl' and price_source = 'vendor_spread'",
        day_before,
    )[0][0]
    assert futures - 3199.18 == pytest.approx(189.82)
    near_190 = sample.published(
        "select count(*) from marts.fct_basis_daily where spot_leg = 'natl' and trade_date in (?, ?) and abs(premium_cny_t - 190) < 5",
        day_before,
        DAY,
    )
    assert near_190 == [(0,)]


def test_rates_of_basis_and_premium_have_opposite_signs(sample) -> None:
    rows = sample.published(
        "select basis_rate_pct, premium_rate_pct, ann_carry_gross_pct, days_to_delivery_end from marts.fct_basis_daily "
        "where spot_leg = 'natl' and futures_leg = 'close' and trade_date = ?",
        DAY,
    )
    assert rows[0] == pytest.approx((-9.81, 9.81, 62.8, 57), abs=0.05)


def test_the_deliverable_leg_is_the_cheapest_delivery_region_less_its_premium(sample) -> None:
    rows = sample.published(
        "select b.trade_date from marts.fct_basis_daily as b join marts.fct_spot_daily as s using (commodity_code, provider, trade_date) "
        "where b.spot_leg = 'deliv' and b.futures_leg = 'close' and s.region in ('shandong', 'henan', 'guangxi') "
        "group by b.trade_date, b.spot_cny_t having min(s.spot_cny_t) <> b.spot_cny_t"
    )
    assert rows == []


def test_the_national_pair_of_22_july_nets_191_2_and_breaks_even_at_97_6(sample) -> None:
    row = sample.published(
        "select gross_cny_t, carry_cny_t, vat_adj_cny_t, net_cny_t, net_ann_pct, gross_ann_pct, break_even_premium_cny_t, carry_state, is_best_pair "
        "from marts.fct_carry_daily where trade_date = ? and contract_code = 'AO2509' and origin_region = 'national'",
        DAY,
    )[0]
    assert row[:7] == pytest.approx((313.8, 86.5, 36.1, 191.2, 38.3, 62.8, 97.6), abs=0.05)
    assert row[7:] == ("open", False), "the yardstick is open but no pair to trade"


def test_the_matrix_has_every_origin_and_warehouse_for_three_contracts(sample) -> None:
    rows = sample.published(
        "select contract_role, contract_code, count(*), count(distinct origin_region), count(distinct warehouse_region), count(*) filter (is_best_pair) "
        "from marts.fct_carry_daily where trade_date = ? group by all order by contract_code",
        DAY,
    )
    assert rows == [("near", "AO2508", 31, 7, 6, 1), ("dominant", "AO2509", 31, 7, 6, 1), ("next", "AO2510", 31, 7, 6, 1)]


def test_xinjiang_pays_380_above_the_contract(sample) -> None:
    rows = sample.published(
        "select distinct warehouse_region, region_premium_cny_t from marts.fct_carry_daily where trade_date = ? and region_premium_cny_t <> 0", DAY
    )
    assert rows == [("xinjiang", 380)]


def test_the_price_of_money_is_that_of_its_day(sample) -> None:
    """The loan prime rate fell from 3.10 to 3.00 % on 2025-05-20: carry of the day before is dearer by that much alone."""
    rows = sample.published(
        "select trade_date, (carry_cny_t - 0.5 * days_to_delivery_end - 41 - 0.0001 * futures_cny_t) * 365 / days_to_delivery_end / (spot_cny_t + 0.1 * futures_cny_t) "
        "from marts.fct_carry_daily where origin_region = 'national' and contract_role = 'dominant' and trade_date in (date '2025-05-19', date '2025-05-20') order by 1"
    )
    assert [rate for _, rate in rows] == pytest.approx([0.031, 0.03])
