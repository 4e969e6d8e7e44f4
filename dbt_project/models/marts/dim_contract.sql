with sessions as (

    select * from {{ ref('int_contracts__sessions') }}

),

final as (

    select
        commodity_code,
        contract_code,
        delivery_month,
        last_trading_day,
        first_trade_date,
        last_trade_date,
        contract_size_t,
        tick_cny_t,
        warrant_unit_t
    from sessions

)

select * from final
