-- Every contract that has a quote, also one whose delivery nobody could tell.
with quotes as (

    select
        contract_code,
        min(commodity_code) as commodity_code,
        min(delivery_month) as delivery_month,
        min(trade_date) as first_trade_date,
        max(trade_date) as last_trade_date
    from {{ ref('fct_futures_daily') }}
    group by contract_code

),

contracts as (

    select * from {{ ref('dim_contract') }}

),

final as (

    select
        quotes.contract_code,
        quotes.commodity_code,
        quotes.delivery_month,
        contracts.last_trading_day,
        contracts.is_last_trading_day_expected,
        contracts.delivery_start_date,
        contracts.delivery_end_date,
        quotes.first_trade_date,
        quotes.last_trade_date,
        contracts.contract_size_t,
        contracts.tick_cny_t,
        contracts.warrant_unit_t
    from quotes
    left join contracts on quotes.contract_code = contracts.contract_code

)

select * from final
