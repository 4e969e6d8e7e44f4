{%- set names = [
    'roll_open_interest_ratio', 'roll_deadline_sessions', 'percentile_window_sessions', 'percentile_minimum_sessions',
    'trend_sigma_multiple', 'decision_time_minutes',
    'sentiment_over_fundamentals_score', 'level_near_pct', 'backtest_short_sessions', 'backtest_medium_sessions', 'backtest_long_sessions',
    'backtest_first_month', 'backtest_resamples', 'backtest_seed',
    'warrant_tolerance_ratio', 'fact_maximum_age_sessions', 'series_maximum_age_days',
    'quadrant_price_dead_band_pct', 'quadrant_open_interest_dead_band_pct', 'speculative_turnover_ratio', 'capital_flow_sides',
    'liquid_open_interest_share', 'stable_curve_sessions', 'center_window_sessions', 'level_range_ratio',
    'level_round_step_cny_t', 'level_major_step_cny_t', 'level_center_step_cny_t',
    'receipts_low_percentile_ratio', 'receipts_usual_interest_ratio', 'receipts_base_ratio', 'receipts_inflow_ratio', 'stock_age_sessions_maximum', 'history_coverage_minimum', 'delivery_cycles',
    'squeeze_cycles_minimum', 'squeeze_floor_base_ratio', 'squeeze_floor_step_sessions', 'squeeze_floor_sessions_maximum',
    'squeeze_watch_divisor', 'squeeze_alert_percentile_ratio', 'squeeze_watch_percentile_ratio', 'squeeze_fall_sessions',
    'squeeze_zero_sessions', 'squeeze_zero_share_ratio', 'reverse_carry_sessions', 'midday_minutes',
    'daily_series_maximum_age_days', 'weekly_gap_maximum_days', 'change_window_sessions', 'ore_stable_pct', 'cost_pressure_pct',
    'profit_high_percentile_ratio', 'import_window_near_cny_t', 'stock_reconciliation_tolerance_kt',
    'policy_industries', 'policy_official_weight', 'policy_repeat_sessions', 'news_window_sessions',
    'profile_groups_minimum', 'profile_coverage_minimum', 'quadrant_closing_weight',
] -%}

with commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

parameters as (

    select * from {{ ref('stg_catalog__parameters') }}

),

-- A row for one commodity wins over the row for all ('*').
resolved as (

    select
        commodities.commodity_code,
        parameters.parameter,
        {{ arg_max('parameters.parameter_value', "case when parameters.commodity_code = '*' then 0 else 1 end") }} as parameter_value
    from commodities
    inner join parameters on parameters.commodity_code in ('*', commodities.commodity_code)
    group by commodities.commodity_code, parameters.parameter

),

final as (

    select
        {%- for name in names %}
        max(case when parameter = '{{ name }}' then parameter_value end) as {{ name }},
        {%- endfor %}
        commodity_code
    from resolved
    group by commodity_code

)

select * from final
