{% set names = [
    'decision_time_minutes', 'percentile_minimum_sessions', 'receipts_low_percentile_ratio', 'level_near_pct',
    'squeeze_cycles_minimum', 'squeeze_floor_base_ratio', 'squeeze_floor_step_sessions', 'squeeze_floor_sessions_maximum',
    'squeeze_watch_divisor', 'squeeze_alert_percentile_ratio', 'squeeze_watch_percentile_ratio', 'squeeze_fall_sessions',
    'squeeze_zero_sessions', 'squeeze_zero_share_ratio',
    'panel_roll_deadline_sessions', 'panel_liquid_open_interest_share', 'panel_sigma_sessions', 'panel_sigma_minimum_returns',
    'panel_momentum_sessions', 'panel_momentum_minimum_returns', 'panel_signal_clip', 'panel_slope_factor',
    'panel_receipts_sessions', 'panel_receipts_minimum_sessions', 'panel_receipts_scale', 'panel_receipts_age_sessions',
    'panel_forced_fall_ratio', 'panel_forced_quiet_sessions', 'panel_average_sessions',
    'panel_row_minimum_returns', 'panel_row_minimum_volume_lots', 'panel_warm_up_sessions', 'panel_locked_ratio',
    'panel_ewma_decay', 'panel_long_sigma_sessions', 'panel_quantile_default',
    'panel_quantile_minimum_rows',
    'panel_minimum_products', 'panel_minimum_sessions', 'panel_refit_sessions', 'panel_fit_step_sessions', 'panel_embargo_sessions',
    'panel_fit_minimum_rows', 'panel_ridge', 'panel_shrink_default', 'panel_shrink_minimum_rows', 'panel_probability_low',
    'panel_probability_high', 'panel_call_distance', 'panel_strong_call_distance',
    'panel_licence_blocks', 'panel_licence_calls', 'panel_licence_dates', 'panel_licence_refits', 'panel_licence_level',
    'panel_resamples', 'panel_block_minimum_sessions', 'panel_seed',
    'panel_track_level', 'panel_track_minimum_independent', 'panel_interval_z',
    'panel_event_quiet_sessions', 'panel_event_minimum_dates', 'panel_overextended_multiple', 'panel_overextended_turnover',
    'panel_shock_multiple', 'panel_study_shown_sessions', 'panel_inflow_ratio', 'panel_inflow_open_interest_share', 'panel_major_step_ratio',
] -%}

-- The figures of the panel, in one row: it is of all products, what holds for all commodities holds for it. The fit reads them here, too.
with parameters as (

    select * from {{ ref('stg_catalog__parameters') }}
    where commodity_code = '*'

),

final as (

    select
        {%- for name in names %}
        max(case when parameter = '{{ name }}' then parameter_value end) as {{ name }},
        {%- endfor %}
        count(*) as parameters
    from parameters

)

select * from final
