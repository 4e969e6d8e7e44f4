-- The contract that leads, one row a session. A change of price is that of one contract: the close before is this contract's own, also on the
-- day it takes over.
with quotes as (

    select * from {{ ref('fct_futures_daily') }}

),

days as (

    select * from {{ ref('dim_trading_day') }}

),

dominant as (

    select
        *,
        lag(contract_code) over (partition by commodity_code order by trade_date) as previous_contract
    from quotes
    where is_dominant

),

final as (

    select
        dominant.commodity_code,
        dominant.trade_date,
        dominant.contract_code,
        dominant.delivery_month,
        dominant.sessions_to_last_trading_day,
        dominant.open_cny_t,
        dominant.high_cny_t,
        dominant.low_cny_t,
        dominant.close_cny_t,
        dominant.settle_cny_t,
        before.close_cny_t as previous_close_cny_t,
        dominant.pre_settle_cny_t,
        dominant.close_cny_t - before.close_cny_t as close_change_cny_t,
        dominant.ret_cc_1d_pct,
        dominant.ret_cc_2d_pct,
        dominant.ret_cc_5d_pct,
        dominant.ret_c_ps_pct,
        dominant.volume_lots,
        dominant.open_interest_lots,
        dominant.open_interest_change_lots,
        dominant.turnover_cny,
        dominant.limit_up_cny_t,
        dominant.limit_down_cny_t,
        dominant.trend_state,
        dominant.contract_code <> dominant.previous_contract as is_roll_day,
        dominant.previous_contract,
        case when dominant.close_cny_t is null then 'not_traded' end as null_reason,
        dominant.null_reason as other_null_reason,
        dominant.available_at,
        dominant.data_origin
    from dominant
    left join days on dominant.trade_date = days.trade_date
    left join quotes as before
        on
            dominant.contract_code = before.contract_code
            and days.previous_trade_date = before.trade_date

)

select * from final
