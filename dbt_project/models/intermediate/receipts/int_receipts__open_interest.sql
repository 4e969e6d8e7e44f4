-- Open interest that may ask for receipts, in tonnes. In the decided reading only quotes that were known at the day's own decision.
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
        {%- set left = 'case when futures.sessions_to_last_trading_day >= 0 then -futures.sessions_to_last_trading_day end' %}
        {{ arg_max('futures.contract_code', left) }} as nearest_contract,
        {{ arg_max('futures.open_interest_lots * deliveries.contract_size_t', left) }} as nearest_t,
        min(case when futures.sessions_to_last_trading_day >= 0 then futures.sessions_to_last_trading_day end) as nearest_sessions,
        max(case when futures.is_dominant then futures.open_interest_lots * deliveries.contract_size_t end) as dominant_t,
        -- Positions still open at the close of the last trading day are delivered.
        max(
            case when futures.sessions_to_last_trading_day = 0 then futures.open_interest_lots * deliveries.contract_size_t end
        ) as delivered_t,
        max(futures.available_at) as available_at
    from futures
    inner join deliveries on futures.contract_code = deliveries.contract_code
    inner join parameters on futures.commodity_code = parameters.commodity_code
    where
        futures.reading = 'latest'
        or futures.available_at <= {{ shanghai_time('futures.trade_date', 'parameters.decision_time_minutes') }}
    group by futures.reading, futures.commodity_code, futures.trade_date

)

select * from final
