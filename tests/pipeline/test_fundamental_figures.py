"""Trade, parity, costs, capacity, stocks and balance: the published figures come out of the whole pipeline, each as its own test."""

from datetime import date, datetime
from typing import Any

import pytest

from tests.pipeline.conftest import Built

DAY = date(2025, 7, 22)
JUNE, MAY, JUNE_2024 = date(2025, 6, 1), date(2025, 5, 1), date(2024, 6, 1)
PRINTED = ("2025-02-27", "2025-03-13", "2025-04-24", "2025-05-15", "2025-06-05", "2025-06-30", "2025-07-02", "2025-07-03", "2025-07-10", "2025-07-15", "2025-07-16")  # fmt: skip


def trade(sample: Built, columns: str, flow: str, month: date) -> tuple[Any, ...]:
    rows = sample.published(
        f"select {columns} from marts.fct_trade_balance_monthly "
        "where commodity_code = 'AO' and role = 'product' and hs_code = '28182000' and partner_code = 'all' and flow = ? and month = ?",
        flow,
        month,
    )
    assert len(rows) == 1
    return rows[0]


def known(sample: Built, columns: str, day: date = DAY) -> tuple[Any, ...]:
    (row,) = sample.working(f"select {columns} from intermediate.int_fundamentals__known where commodity_code = 'AO' and as_of_date = ?", day)
    return row


# ---- trade


@pytest.mark.parametrize(
    ("flow", "column", "percent", "digits"),
    [("export", "mom_pct", -17.7, 1), ("export", "yoy_pct", 8.8, 1), ("import", "mom_pct", 50.03, 2), ("import", "yoy_pct", 168.4, 1)],
    ids=["exports_fell_17.7_on_may", "exports_rose_8.8_on_the_year", "imports_rose_50.03_on_may", "imports_rose_168.4_on_the_year"],
)
def test_growth_of_june(sample: Built, flow: str, column: str, percent: float, digits: int) -> None:
    # The year before is known to 100 t only: 101,258.62 over 37.7 +- 0.05 kt holds the printed figure.
    assert trade(sample, column, flow, JUNE)[0] == pytest.approx(percent, abs=0.2 if percent > 100 else 0.5 * 10**-digits)


def test_may_grew_as_printed(sample: Built) -> None:
    assert trade(sample, "yoy_pct", "export", MAY)[0] == pytest.approx(104.6, abs=0.05)
    assert trade(sample, "yoy_pct", "import", MAY)[0] == pytest.approx(-26.3, abs=0.05)


def test_the_mixed_scope_growth_of_136_7_appears_nowhere(sample: Built) -> None:
    assert trade(sample, "qty_t", "import", JUNE_2024)[0] == pytest.approx(37_700, abs=50)
    assert sample.published("select count(*) from marts.fct_trade_balance_monthly where round(yoy_pct, 1) = 136.7") == [(0,)]


@pytest.mark.parametrize(("month", "kt"), [(JUNE, -69.7), (MAY, -140.3), (JUNE_2024, -119.4)])
def test_net_imports_of_the_month(sample: Built, month: date, kt: float) -> None:
    assert trade(sample, "net_import_t / 1000", "net", month)[0] == pytest.approx(kt, abs=0.05)


def test_net_imports_since_january_are_minus_1075_1_kt(sample: Built) -> None:
    assert trade(sample, "ytd_t / 1000", "net", JUNE)[0] == pytest.approx(-1075.1, abs=0.05)
    assert trade(sample, "ytd_t", "import", JUNE)[0] == pytest.approx(268_209.96)
    assert trade(sample, "ytd_t", "import", MAY)[0] == pytest.approx(166_951.34)
    assert trade(sample, "ytd_t / 1000", "export", MAY)[0] == pytest.approx(1172.3, abs=0.05)


@pytest.mark.parametrize(("month", "usd_t"), [(JUNE, 499.1), (MAY, 647.4)])
def test_unit_value_of_imports(sample: Built, month: date, usd_t: float) -> None:
    assert trade(sample, "unit_value_usd_t", "import", month)[0] == pytest.approx(usd_t, abs=0.05)


def test_two_thirds_of_the_exports_until_may_went_to_one_partner(sample: Built) -> None:
    ((name, share),) = sample.published(
        "select partner_name, round(100 * partner_share_ytd_ratio, 1) from marts.fct_trade_balance_monthly "
        "where commodity_code = 'AO' and role = 'product' and flow = 'export' and month = ? and partner_code <> 'all' and partner_share_ytd_ratio > 0.5",
        MAY,
    )
    assert (name, share) == ("俄罗斯联邦", 66.6)


def test_june_is_known_from_sunday_20_july_and_january_from_march(sample: Built) -> None:
    out = dict(
        sample.published(
            "select month, available_at from marts.fct_trade_balance_monthly where commodity_code = 'AO' and role = 'product' and flow = 'net' and month >= date '2025-01-01'"
        )
    )
    assert [datetime.strftime(out[month], "%Y-%m-%d %H:%M") for month in (JUNE, date(2025, 1, 1), date(2025, 2, 1))] == [
        "2025-07-20 18:00", "2025-03-20 18:00", "2025-03-20 18:00",
    ]  # fmt: skip
    assert known(sample, "exports_date", date(2025, 7, 18)) == (MAY,)
    assert known(sample, "exports_date", date(2025, 7, 21)) == (JUNE,)
    assert known(sample, "exports_date", date(2025, 3, 20)) == (date(2024, 12, 1),)
    assert known(sample, "exports_date, exports_mom_pct", date(2025, 3, 21)) == (date(2025, 2, 1), None)


def test_exports_of_the_newest_month_speak_until_the_next_is_out_being_as_old_as_its_last_day(sample: Built) -> None:
    """January comes with February, about 20 March: until then December is the newest month there is."""
    rows = sample.working(
        "select data_date, null_reason from intermediate.int_sentiment__components where commodity_code = 'AO' and component = 'F4' and as_of_date = ?",
        date(2025, 3, 20),
    )
    assert rows == [(date(2024, 12, 31), None)]


def test_the_surplus_of_a_month_takes_the_months_own_trade(sample: Built) -> None:
    february = date(2025, 2, 28)
    ((rate, surplus),) = sample.published(
        "select surplus_kt_a, surplus_kt from marts.fct_supply_demand where frequency = 'monthly' and period_end = ?", february
    )
    (net_import_t,) = trade(sample, "net_import_t", "net", february.replace(day=1))
    assert net_import_t / 1000 == pytest.approx(-171.87, abs=0.005)
    assert surplus == pytest.approx(rate * 28 / 365 + net_import_t / 1000)
    assert surplus == pytest.approx(221.49, abs=0.005)


def test_no_month_on_month_figure_touches_the_new_year(sample: Built) -> None:
    rows = sample.published(
        "select distinct extract(month from month), mom_null_reason from marts.fct_trade_balance_monthly where mom_pct is null and flow <> 'net' and partner_code = 'all' and month >= date '2024-01-01'"
    )
    assert sorted(rows) == [(1, "chinese_new_year"), (2, "chinese_new_year"), (3, "chinese_new_year")]


# ---- import parity


def test_parity_holds_within_4_yuan_on_10_of_the_11_prints(sample: Built) -> None:
    rows = sample.published(
        f"select trade_date, parity_gap_cny_t, vendor_null_reason from marts.fct_import_parity_daily where spot_leg = 'natl' and trade_date in ({', '.join('?' * 11)})",
        *PRINTED,
    )
    assert len(rows) == 11
    assert sum(gap is not None and abs(gap) <= 4 for _, gap, _ in rows) == 10
    assert [(day, reason) for day, gap, reason in rows if gap is None] == [(date(2025, 7, 3), "copy_of_the_index")]


def test_the_copied_port_price_is_a_finding_and_the_stated_gap_stays(sample: Built) -> None:
    findings = sample.published(
        "select trade_date, subject, found_value from serving.quality_results where check_id = 'figure_is_no_copy_of_the_index'"
    )
    assert findings == [(date(2025, 7, 3), "SMM SMM-AO-PORT-PRICE", 3112.73)]
    ((printed, gap, stated, parity),) = sample.published(
        "select vendor_parity_cny_t, vendor_gap_cny_t, spot_cny_t + vendor_gap_cny_t, parity_cny_t from marts.fct_import_parity_daily where spot_leg = 'natl' and trade_date = date '2025-07-03'"
    )
    assert (printed, gap) == (None, 78.47)
    assert (stated, parity) == (pytest.approx(3191.20), pytest.approx(3189.7, abs=0.05))


def test_parity_of_16_july_and_two_prices_to_set_it_against(sample: Built) -> None:
    rows = sample.published(
        "select spot_leg, parity_cny_t, import_profit_cny_t, window_state, null_reason from marts.fct_import_parity_daily where trade_date = date '2025-07-16'"
    )
    by_leg = {leg: tuple(rest) for leg, *rest in rows}
    assert by_leg["natl"] == (pytest.approx(3236.99, abs=0.005), pytest.approx(-62, abs=1), "closed", None)
    assert by_leg["reg_bayuquan"][0] == by_leg["natl"][0], "the quay is where the price is quoted"
    assert by_leg["reg_guangxi"] == (None, None, None, "no_inland_freight")


# ---- margins


def margin(sample: Built, columns: str, provider: str, model: str, day: date = DAY) -> tuple[Any, ...]:
    (row,) = sample.published(
        f"select {columns} from marts.fct_margin_daily where commodity_code = 'AO' and region = 'national' and provider = ? and model_id = ? and trade_date = ?",
        provider,
        model,
        day,
    )
    return row


def test_profit_by_the_daily_model_is_358_18(sample: Built) -> None:
    row = margin(sample, "cost_full_cny_t, profit_cny_t, profit_printed_cny_t, margin_pct, profit_futures_cny_t", "SMM", "smm_daily")
    assert row == (2841, pytest.approx(358.18), pytest.approx(358.18), pytest.approx(12.6, abs=0.05), 672)


def test_profit_by_the_monthly_model_is_228_18(sample: Built) -> None:
    assert margin(sample, "cost_full_cny_t, cost_date, profit_cny_t", "SMM", "smm_monthly") == (2971, date(2025, 6, 30), pytest.approx(228.18))


def test_another_providers_profit_stays_its_own(sample: Built) -> None:
    row = margin(sample, "profit_printed_cny_t, profit_cny_t, null_reason", "GTJA", "gtja_weekly", date(2025, 7, 4))
    assert row == (300.3, None, "no_cost_of_this_model")


def test_ore_is_stable_and_cost_pressure_limited(sample: Built) -> None:
    row = margin(sample, "is_bauxite_stable, is_cost_pressure_limited, bauxite_chg20_pct", "SMM", "smm_daily")
    assert row[:2] == (True, True)
    assert -2 < row[2] < 0


def test_the_build_up_is_the_sum_of_its_parts_and_says_that_it_is_cash_only(sample: Built) -> None:
    row = margin(
        sample,
        "cost_cash_cny_t - ore_cost_cny_t - caustic_cost_cny_t - energy_cost_cny_t - other_cost_cny_t, profit_cny_t, null_reason",
        "SMM",
        "build_up",
    )
    assert row == (pytest.approx(0), None, "cash_cost_only")


def test_without_capacity_by_province_only_provinces_are_counted(sample: Built) -> None:
    row = margin(sample, "underwater_share_ratio, underwater_regions_ratio, underwater_null_reason", "SMM", "smm_monthly")
    assert row == (None, 0.0, "no_regional_capacity")


# ---- capacity, stocks, balance


def test_utilisation_of_3_july_is_79_98_and_was_printed_79_97(sample: Built) -> None:
    rows = sample.published(
        "select capacity_built_kt_a, capacity_operating_kt_a, capacity_idle_kt_a, round(utilisation_pct, 2), printed_rate_pct, d_operating_kt_a "
        "from marts.fct_capacity where commodity_code = 'AO' and provider = 'SMM' and period_end = date '2025-07-03'"
    )
    assert rows == [(110_820, 88_630, 22_190, 79.98, pytest.approx(79.97), -340)]


def test_downstream_rate_fell_by_points_and_its_capacity_by_per_cent(sample: Built) -> None:
    rows = sample.published(
        "select round(utilisation_pct, 2), round(printed_rate_change_pp, 2), round(operating_change_pct, 2) "
        "from marts.fct_capacity where commodity_code = 'AL' and period_end = date '2025-06-30'"
    )
    assert rows == [(95.93, -0.16, -0.18)]


def test_shares_of_aged_capacity_never_cross_providers(sample: Built) -> None:
    rows = sample.published(
        "select provider, capacity_aged20_kt_a, round(100 * aged20_share_operating_ratio, 1), aged20_share_built_ratio, aged20_null_reason "
        "from marts.fct_capacity where capacity_aged20_kt_a is not null order by 1"
    )
    assert rows == [
        ("ALD", 7200, 7.7, None, "no_built_capacity_of_this_provider"),
        ("MYSTEEL", 8590, None, None, "no_capacity_of_this_provider"),
    ]


def test_smelter_stocks_rose_by_22_kt_and_ports_held_43(sample: Built) -> None:
    rows = sample.published(
        "select stock_kind, period_end, stock_kt, stock_change_kt from marts.fct_inventory "
        "where (stock_kind = 'smelter' and period_end = date '2025-07-17') or (stock_kind = 'port' and period_end = date '2025-07-04') order by 1"
    )
    assert rows[0][:3] == ("port", date(2025, 7, 4), 43)
    assert rows[1][3] == pytest.approx(22)


def test_the_surplus_is_2_5_mt_before_trade_and_1_66_with_it(sample: Built) -> None:
    rows = sample.published(
        "select surplus_kt_a, round(surplus_pct, 1), round(surplus_after_trade_kt_a / 1000, 2), trade_month "
        "from marts.fct_supply_demand where provider = 'SMM' and demand_basis = 'stated' and frequency = 'daily' and period_end = ?",
        DAY,
    )
    assert rows == [(2500, 2.9, 1.66, JUNE)]


def test_no_surplus_is_made_of_two_providers(sample: Built) -> None:
    """93.85 of one less 86 of another would be 7.9."""
    rows = sample.published("select distinct surplus_kt_a, null_reason from marts.fct_supply_demand where provider <> 'SMM'")
    assert rows == [(None, "no_demand_of_this_provider")]


# ---- what was known


def test_what_the_fundamentals_said_on_22_july(sample: Built) -> None:
    row = known(
        sample,
        "profit_cny_t, margin_pct, cost_full_cny_t, cost_full_monthly_cny_t, stated_surplus_kt_a, stated_surplus_pct, "
        "smelter_stock_change_kt, exports_mom_pct, downstream_rate_change_pp, null_reasons",
    )
    assert row[:9] == pytest.approx((358.18, 12.6, 2841, 2971, 2500, 2.9, 22, -17.7, -0.16), abs=0.05)
    assert row[9] == ""


def test_a_run_does_not_know_the_monthly_cost_before_it_is_out(sample: Built) -> None:
    """June's is dated the 30th, which is no time of publication: the clock has it known from Saturday 5 July."""
    assert known(sample, "cost_full_monthly_date", date(2025, 7, 4)) == (date(2025, 5, 31),)
    assert known(sample, "cost_full_monthly_date", date(2025, 7, 7)) == (date(2025, 6, 30),)


def test_percentiles_look_back_only(sample: Built) -> None:
    """The profit of a day is ranked among those of the 250 sessions that end with it."""
    rows = sample.working(
        """
        with p as (
            select as_of_date, profit_cny_t, profit_percentile_ratio, row_number() over (order by as_of_date) as n
            from intermediate.int_fundamentals__known where commodity_code = 'AO' and profit_cny_t is not null
        )
        select count(*), max(abs(a.profit_percentile_ratio - r.ratio)), count(a.profit_percentile_ratio)
        from p as a join lateral (
            select avg(case when b.profit_cny_t <= a.profit_cny_t then 1.0 else 0.0 end) as ratio from p as b where b.n between a.n - 249 and a.n
        ) as r on true
        """
    )
    count, difference, ranked = rows[0]
    assert count - ranked == 59
    assert ranked > 400
    assert difference == pytest.approx(0, abs=1e-9)


def test_a_commodity_without_fundamentals_has_rows_that_say_so(sample: Built) -> None:
    ((reasons,),) = sample.working("select distinct null_reasons from intermediate.int_fundamentals__known where commodity_code = 'AL'")
    assert {reason.split(":")[0] for reason in reasons.split(";")} == {
        "margin", "profit_percentile", "cost_full_monthly", "surplus", "smelter_stock", "exports", "downstream_rate", "parity", "import_leg",
    }  # fmt: skip
