with daily as (

    select * from {{ ref('int_futures__daily') }}
    where reading = 'latest'

),

final as (

    select
        commodity_code,
        trade_date,
        contract_code,
        delivery_month,
        open_cny_t,
        high_cny_t,
        low_cny_t,
        close_cny_t,
        settle_cny_t,
        pre_settle_cny_t,
        volume_lots,
        open_interest_lots,
        open_interest_change_lots,
        turnover_cny,
        ret_cc_1d_pct,
        ret_cc_2d_pct,
        ret_cc_5d_pct,
        ret_ss_2d_pct,
        ret_c_ps_pct,
        ret_s_ps_pct,
        ret_n_ps_pct,
        ret_c_night_pct,
        null_reason,
        volume_ratio_20d,
        volume_oi_ratio,
        limit_up_cny_t,
        limit_down_cny_t,
        limit_ratio,
        limit_source,
        is_limit_locked,
        ma20_cny_t,
        sigma20_pct,
        trend_state,
        is_dominant,
        is_traded,
        is_final,
        sessions_to_last_trading_day,
        is_last_trading_day_expected,
        last_trading_day_source,
        known_at as available_at,
        vintage,
        source,
        data_origin,
        payload_sha256
    from daily

)

select * from final
