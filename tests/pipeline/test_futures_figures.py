"""Reference figures of futures, sessions, positioning, curve, rolls and levels come out of the sample, and no leak goes in."""

from datetime import date, time
from itertools import pairwise

import pytest

from ingest.catalog.calendar import load_calendar
from ingest.sample.ledger import TOLERANCE, load_ledger

DAY = date(2025, 7, 22)


def _one(sample, column: str, table: str, contract: str, day: str, session: str | None = None):
    where = f" and session = '{session}'" if session else ""
    rows = sample.published(f"select {column} from marts.{table} where contract_code = ? and trade_date = cast(? as date){where}", contract, day)
    assert len(rows) == 1
    return rows[0][0]


# ---- daily ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "half_digit"),
    [
        ("ret_cc_1d_pct", 3.75, 0.005),
        ("ret_c_ps_pct", 6.07, 0.005),
        ("ret_s_ps_pct", 4.23, 0.005),
        ("ret_cc_2d_pct", 12.13, 0.005),
        ("ret_ss_2d_pct", 10.50, 0.005),
        ("ret_cc_5d_pct", 11.0, 0.05),
        ("open_interest_change_lots", -9954, 0),
        ("volume_oi_ratio", 4.67, 0.005),
        ("volume_ratio_20d", 2.57, 0.005),
        ("ma20_cny_t", 3102.65, 0.005),
    ],
)
def test_a_figure_of_22_july(sample, column: str, value: float, half_digit: float) -> None:
    assert _one(sample, column, "fct_futures_daily", "AO2509", "2025-07-22") == pytest.approx(value, abs=half_digit)


def test_volume_over_open_interest_of_21_july(sample) -> None:
    assert _one(sample, "volume_oi_ratio", "fct_futures_daily", "AO2509", "2025-07-21") == pytest.approx(4.48, abs=0.005)


def test_the_trend_of_22_july_is_strongly_up(sample) -> None:
    assert _one(sample, "trend_state", "fct_futures_daily", "AO2509", "2025-07-22") == "up_strong"


@pytest.mark.parametrize(
    ("day", "column", "value"),
    [
        ("2025-07-15", "ret_c_ps_pct", 1.22),
        ("2025-07-15", "ret_cc_1d_pct", 0.64),
        ("2025-07-15", "ret_c_night_pct", 0.03),
        ("2025-07-02", "ret_c_ps_pct", 4.42),
        ("2025-07-02", "ret_c_night_pct", 4.38),
        ("2025-07-21", "ret_n_ps_pct", 6.85),
    ],
)
def test_a_return_is_what_its_base_makes_it(sample, day: str, column: str, value: float) -> None:
    assert _one(sample, column, "fct_futures_daily", "AO2509", day) == pytest.approx(value, abs=0.005)


def test_the_printed_changes_are_both_against_the_previous_settlement(sample) -> None:
    """ZD1 and ZD2 as printed, on every contract that traded, are what the mart's two headline returns are made of."""
    wrong, checked = sample.working(
        """
        select
            count(*) filter (abs(close_change - ret_c_ps_pct * pre_settle_cny_t / 100) > 1e-6 or abs(settle_change - ret_s_ps_pct * pre_settle_cny_t / 100) > 1e-6),
            count(*)
        from staging.stg_shfe__daily_quotes as q
        join marts.fct_futures_daily as f on f.trade_date = q.trade_date and f.contract_code = upper(q.product_id) || q.delivery_month_code
        where f.is_traded
        """
    )[0]
    assert wrong == 0
    assert checked > 5000


# ---- limits --------------------------------------------------------------------------------------------------------------------


def test_the_high_of_21_july_is_the_limit_at_nine_per_cent(sample) -> None:
    row = sample.published(
        "select high_cny_t, limit_up_cny_t, limit_ratio, limit_source, is_limit_locked from marts.fct_futures_daily where contract_code = 'AO2509' and trade_date = date '2025-07-21'"
    )
    assert row == [(3405, 3405, 0.09, "exchange_file", False)]


def test_the_terms_say_the_same_limits_as_the_exchange_files(sample) -> None:
    different = sample.working(
        """
        select l.trade_date, l.contract_code from intermediate.int_contracts__limits as l
        join intermediate.int_commodities__terms as t
            on t.commodity_code = l.commodity_code and t.term = 'limit_ratio' and l.trade_date >= t.valid_from
            and (t.superseded_from is null or l.trade_date < t.superseded_from)
        where abs(l.upper_limit_ratio - t.term_value) > 1e-9 and l.trade_date > date '2023-06-19'
        """
    )
    assert different == []


def test_on_its_first_day_the_product_moves_within_twice_the_limit(sample) -> None:
    assert sample.published(
        "select distinct limit_ratio from marts.fct_futures_daily where commodity_code = 'AO' and trade_date = date '2023-06-19'"
    ) == [(0.14,)]


def test_no_price_of_the_sample_lies_beyond_its_limit(sample) -> None:
    beyond, checked = sample.published(
        "select count(*) filter (high_cny_t > limit_up_cny_t or low_cny_t < limit_down_cny_t), count(limit_up_cny_t) from marts.fct_futures_daily where is_traded"
    )[0]
    assert beyond == 0
    assert checked > 5000


# ---- sessions ------------------------------------------------------------------------------------------------------------------


def test_every_published_night_and_noon_reaches_the_sessions(sample) -> None:
    columns = {
        "open_price": "session_open_cny_t",
        "high_price": "session_high_cny_t",
        "low_price": "session_low_cny_t",
        "close_price": "session_last_cny_t",
        "open_interest_lots": "open_interest_end_lots",
    }
    cells = list(load_ledger().table("bars__prices"))
    assert len(cells) > 50
    for (day, contract, session), cell in cells:
        found = _one(sample, columns[cell.column], "fct_futures_session", contract, day, session)
        assert abs(found - float(cell.value)) <= float(TOLERANCE[cell.precision]), cell


def test_the_price_at_1130_is_what_the_vendor_measured_against(sample) -> None:
    assert (
        sample.published(
            """
            select s.trade_date, s.last_1130_cny_t, b.futures_cny_t from marts.fct_futures_session as s
            join marts.fct_basis_daily as b using (commodity_code, contract_code, trade_date)
            where s.session = 'am2' and b.futures_leg = 't1130' and abs(s.last_1130_cny_t - b.futures_cny_t) > 1e-6
            """
        )
        == []
    )
    assert _one(sample, "last_1130_cny_t", "fct_futures_session", "AO2509", "2025-07-22", "am2") == 3428


def test_the_sessions_make_up_the_day(sample) -> None:
    wrong, checked = sample.published(
        """
        select
            count(*) filter (
                s.first_open <> d.open_cny_t or s.high <> d.high_cny_t or s.low <> d.low_cny_t or s.last <> d.close_cny_t
                or s.volume <> d.volume_lots or s.held <> d.open_interest_lots
            ),
            count(*)
        from (
            select
                contract_code, trade_date,
                arg_min(session_open_cny_t, available_at) as first_open,
                max(session_high_cny_t) as high, min(session_low_cny_t) as low,
                arg_max(session_last_cny_t, available_at) as last,
                sum(session_volume_lots) as volume,
                arg_max(open_interest_end_lots, available_at) as held
            from marts.fct_futures_session group by all
        ) as s join marts.fct_futures_daily as d using (contract_code, trade_date)
        """
    )[0]
    assert wrong == 0
    assert checked > 1000


def test_there_is_no_night_before_a_public_holiday(sample) -> None:
    calendar = load_calendar()
    held = {day for (day,) in sample.published("select distinct trade_date from marts.fct_futures_session where session = 'night'")}
    days = [day for (day,) in sample.published("select trade_date from marts.dim_trading_day order by 1")]
    flags = dict(sample.published("select trade_date, has_night_session from marts.dim_trading_day"))
    after = {following: calendar.night_of(day) == following for day, following in pairwise(days)}
    assert {day: flags[day] for day in after} == after
    assert all(flags[day] for day in held)
    assert sample.published(
        "select distinct ret_n_ps_pct, null_reason from marts.fct_futures_daily where is_dominant and commodity_code = 'AO' and trade_date = date '2025-06-03'"
    ) == [(None, "ret_n_ps_pct:no_night_session;ret_c_night_pct:no_night_session")]


# ---- positioning ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "session", "moved", "quadrant"),
    [
        ("2025-07-18", "day", -13533, "short_covering"),
        ("2025-07-21", "night", 20190, "long_build"),
        ("2025-07-21", "day", 11187, "long_build"),
        ("2025-07-22", "day", -9954, "short_covering"),
    ],
)
def test_the_quadrant_of_a_session(sample, day: str, session: str, moved: int, quadrant: str) -> None:
    assert _one(sample, "open_interest_moved_lots", "fct_positioning_daily", "AO2509", day, session) == moved
    assert _one(sample, "quadrant", "fct_positioning_daily", "AO2509", day, session) == quadrant


def test_the_flow_of_22_july_is_the_change_of_the_money_tied_up(sample) -> None:
    flow = _one(sample, "capital_flow_cny", "fct_positioning_daily", "AO2509", "2025-07-22", "day")
    assert flow == pytest.approx((211592 * 3452 - 221546 * 3312) * 20 * 0.10)
    assert _one(sample, "capital_flow_ratio", "fct_positioning_daily", "AO2509", "2025-07-22", "day") == pytest.approx(
        211592 * 3452 / (221546 * 3312) - 1
    )
    assert _one(sample, "position_pressure_ratio", "fct_positioning_daily", "AO2509", "2025-07-22", "day") == pytest.approx(9954 / 221546)
    assert _one(sample, "is_speculative", "fct_positioning_daily", "AO2509", "2025-07-22", "day") is True


def test_the_largest_members_are_those_of_the_board(sample) -> None:
    wrong, checked = sample.working(
        """
        select count(*) filter (p.top20_long_lots <> r.long or p.top20_short_lots <> r.short), count(*)
        from marts.fct_positioning_daily as p
        join (
            select
                trade_date, upper(product_id) || delivery_month_code as contract_code,
                max(position_lots) filter (board = 'long') as long, max(position_lots) filter (board = 'short') as short
            from staging.stg_shfe__member_ranking where row_kind = 'top20_sum' group by all
        ) as r using (trade_date, contract_code)
        where p.session = 'day'
        """
    )[0]
    assert wrong == 0
    assert checked > 1000


def test_a_contract_without_a_board_has_no_members_rather_than_zero(sample) -> None:
    rows = sample.published(
        "select distinct top20_long_lots, top20_net_lots, cr5_long_pct from marts.fct_positioning_daily where null_reason like '%members:not_listed%'"
    )
    assert rows == [(None, None, None)]


# ---- curve, rolls, levels ------------------------------------------------------------------------------------------------------


def test_the_curve_of_7_july_falls_by_0_99_per_cent_a_month(sample) -> None:
    named = sample.published(
        "select dominant_contract, dominant_cny_t, sub_dominant_contract, sub_dominant_cny_t, shape, slope_pct_month, roll_yield_cny_t_month "
        "from marts.fct_term_structure_daily where commodity_code = 'AO' and trade_date = date '2025-07-07'"
    )[0]
    assert named[:5] == ("AO2509", 3042, "AO2510", 3012, "backwardation")
    assert named[5] == pytest.approx(-0.99, abs=0.005)
    assert named[6] == 30


def test_july_was_in_backwardation_for_more_than_five_sessions(sample) -> None:
    days, stable = sample.published(
        "select days_same_sign, is_stable from marts.fct_term_structure_daily where commodity_code = 'AO' and trade_date = ?", DAY
    )[0]
    assert days >= 5
    assert stable


def test_legs_that_could_not_trade_freely_are_named_and_left_out(sample) -> None:
    reasons = sample.published("select excluded_legs from marts.fct_term_structure_daily where excluded_legs is not null")
    found = {leg.split(":")[1] for (legs,) in reasons for leg in legs.split(";")}
    assert {"thin", "expiring"} <= found <= {"thin", "expiring", "limit_locked", "not_traded"}


def test_a_roll_was_decided_by_the_close_before_it(sample) -> None:
    """Leak 2. The rule holds at the close before the roll, at no earlier one, and a day's own open interest has no say."""
    rolls = sample.published(
        """
        select r.commodity_code, r.roll_date, d.next_trade_date, old.is_dominant, new.open_interest_lots > 1.1 * old.open_interest_lots
        from marts.fct_contract_rolls as r
        join marts.dim_trading_day as d on d.trade_date = r.decision_date
        join marts.fct_futures_daily as old on old.contract_code = r.from_contract and old.trade_date = r.decision_date
        join marts.fct_futures_daily as new on new.contract_code = r.to_contract and new.trade_date = r.decision_date
        """
    )
    assert len(rolls) > 30
    assert [row for row in rolls if row[1] != row[2] or not row[3]] == []
    assert [row[:2] for row in rolls if row[0] == "AO" and not row[4]] == []


def test_offsets_are_the_closes_before_the_roll(sample) -> None:
    wrong = sample.published(
        """
        select * from marts.fct_contract_rolls as r
        left join marts.fct_futures_daily as old on old.contract_code = r.from_contract and old.trade_date = r.decision_date
        left join marts.fct_futures_daily as new on new.contract_code = r.to_contract and new.trade_date = r.decision_date
        where r.null_reason is null
            and (r.roll_diff_cny_t is distinct from new.close_cny_t - old.close_cny_t or abs(r.roll_ratio - new.close_cny_t / old.close_cny_t) > 1e-12)
        """
    )
    assert wrong == []


def test_levels_are_never_back_adjusted(sample) -> None:
    """Leak 4. A stage high or low is a price at which the dominant contract of some session really traded."""
    invented = sample.published(
        """
        select l.commodity_code, l.trade_date, l.level_kind, l.level_cny_t from marts.fct_price_levels as l
        where l.level_kind like 'stage_%' and not exists (
            select 1 from marts.fct_futures_daily as f
            where f.commodity_code = l.commodity_code and f.is_dominant and f.trade_date <= l.trade_date and l.level_cny_t in (f.high_cny_t, f.low_cny_t)
        )
        """
    )
    assert invented == []


def test_a_stage_high_over_a_roll_is_the_highest_price_traded(sample) -> None:
    across = sample.published(
        "select level_cny_t from marts.fct_price_levels where commodity_code = 'AO' and level_kind = 'stage_high_60' and trade_date = date '2025-06-05'"
    )
    traded = sample.published(
        """
        select max(high_cny_t) from (
            select high_cny_t from marts.fct_futures_daily
            where commodity_code = 'AO' and is_dominant and trade_date <= date '2025-06-05' order by trade_date desc limit 60
        )
        """
    )
    assert across == traded


def test_3300_broke_in_the_night_of_18_july(sample) -> None:
    assert sample.published(
        "select prior_high_20d_cny_t, is_broken, broken_session from marts.fct_price_levels "
        "where commodity_code = 'AO' and trade_date = date '2025-07-21' and level_kind = 'round' and level_cny_t = 3300"
    ) == [(3238, True, "night")]


def test_the_center_of_1_to_17_july_is_3100(sample) -> None:
    assert sample.published(
        "select level_cny_t from marts.fct_price_levels where commodity_code = 'AO' and trade_date = date '2025-07-17' and level_kind = 'center'"
    ) == [(3100,)]


def test_the_market_high_of_22_july_is_the_stage_high_and_3500_broke_in_the_afternoon(sample) -> None:
    rows = dict(
        sample.published(
            "select level_kind, level_cny_t from marts.fct_price_levels where commodity_code = 'AO' and trade_date = ? and level_kind like 'stage_high%'",
            DAY,
        )
    )
    assert rows["stage_high_20"] == rows["stage_high_60"] == 3577
    assert sample.published(
        "select broken_session from marts.fct_price_levels where commodity_code = 'AO' and trade_date = ? and level_kind = 'major' and level_cny_t = 3500",
        DAY,
    ) == [("pm",)]


def test_each_commodity_has_levels_at_its_own_steps(sample) -> None:
    steps = sample.published(
        "select commodity_code, min(level_cny_t % case commodity_code when 'AO' then 100 else 500 end) from marts.fct_price_levels where level_kind = 'round' group by 1 order by 1"
    )
    assert steps == [("AL", 0), ("AO", 0), ("LC", 0)]


# ---- clocks --------------------------------------------------------------------------------------------------------------------


def test_no_settlement_is_known_before_a_quarter_past_three(sample) -> None:
    """Leak 7, of the quotes themselves: a published row is as late as the latest of what it shows."""
    early = sample.working(
        "select count(*) from intermediate.int_contracts__quotes where timezone('Asia/Shanghai', available_at) < trade_date + cast(? as time)",
        time(15, 15),
    )
    assert early == [(0,)]


def test_a_session_is_known_when_it_ends_and_not_before(sample) -> None:
    ends = sample.published(
        "select session, min(cast(timezone('Asia/Shanghai', available_at) as time)), max(cast(timezone('Asia/Shanghai', available_at) as time)) from marts.fct_futures_session group by 1"
    )
    assert {session: (first, last) for session, first, last in ends} == {
        "night": (time(1), time(1)),
        "am1": (time(10, 15), time(10, 15)),
        "am2": (time(11, 30), time(11, 30)),
        "pm": (time(15), time(15)),
    }


def test_members_are_not_known_before_their_ranking(sample) -> None:
    early = sample.published(
        "select count(*) from marts.fct_positioning_daily where top20_long_lots is not null and cast(timezone('Asia/Shanghai', available_at) as time) < ?",
        time(16, 30),
    )
    assert early == [(0,)]


@pytest.mark.parametrize(
    "shown",
    [
        "marts.fct_futures_daily where limit_source = 'exchange_file'",
        "marts.fct_price_levels where level_kind in ('limit_up', 'limit_down')",
        "marts.fct_positioning_daily where margin_source = 'exchange_file'",
    ],
)
def test_what_shows_the_days_limits_or_margins_is_not_known_before_their_file(sample, shown: str) -> None:
    ((rows, early),) = sample.working(
        "select count(*), count(*) filter (shown.available_at < limits.available_at) "
        f"from (select contract_code, trade_date, available_at from {shown}) as shown "
        "inner join intermediate.int_contracts__limits as limits using (contract_code, trade_date) where limits.is_latest"
    )
    assert rows > 500
    assert early == 0
