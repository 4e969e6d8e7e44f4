with contracts as (

    select * from {{ ref('dim_contract') }}

),

final as (

    select
        contract_code,
        commodity_code,
        delivery_month,
        last_trading_day,
        is_last_trading_day_expected,
        delivery_start_date,
        delivery_end_date,
        first_trade_date,
        last_trade_date,
        contract_size_t,
        tick_cny_t,
        warrant_unit_t
    from contracts

)

select * from final
