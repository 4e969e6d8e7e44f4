{{ config(materialized='view') }}

-- Open interest of each contract in tonnes. In the decided reading only quotes that were known at the day's own decision.
with futures as (

    select * from {{ ref('int_futures__daily') }}

),

deliveries as (

    select * from {{ ref('int_contracts__deliveries') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

final as (

    select
        futures.reading,
        futures.commodity_code,
        futures.trade_date,
        futures.contract_code,
        deliveries.delivery_month,
        futures.is_dominant,
        futures.sessions_to_last_trading_day,
        futures.open_interest_lots * deliveries.contract_size_t as open_interest_t,
        futures.available_at
    from futures
    inner join deliveries on futures.contract_code = deliveries.contract_code
    inner join parameters on futures.commodity_code = parameters.commodity_code
    where
        futures.reading = 'latest'
        or futures.available_at <= {{ shanghai_time('futures.trade_date', 'parameters.decision_time_minutes') }}

)

select * from final
