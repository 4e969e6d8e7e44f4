with sessions as (

    select * from {{ ref('int_contracts__sessions') }}

),

deliveries as (

    select * from {{ ref('int_contracts__deliveries') }}

),

final as (

    select
        sessions.commodity_code,
        sessions.contract_code,
        sessions.delivery_month,
        deliveries.last_trading_day,
        deliveries.is_last_trading_day_expected,
        deliveries.last_trading_day_source,
        deliveries.listing_date,
        deliveries.delivery_start_date,
        deliveries.delivery_end_date,
        deliveries.base_price_cny_t,
        sessions.first_trade_date,
        sessions.last_trade_date,
        sessions.contract_size_t,
        sessions.tick_cny_t,
        sessions.warrant_unit_t
    from sessions
    inner join deliveries on sessions.contract_code = deliveries.contract_code

)

select * from final
