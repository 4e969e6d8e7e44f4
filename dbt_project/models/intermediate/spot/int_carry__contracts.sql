-- The contracts a carry is weighed against on a day: the nearest, the dominant and the one after it. In the decided reading only quotes
-- known at the day's own decision.
with futures as (

    select * from {{ ref('int_futures__daily') }}

),

deliveries as (

    select * from {{ ref('int_contracts__deliveries') }}

),

last_days as (

    select * from {{ ref('int_contracts__last_days') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

known_futures as (

    select
        futures.reading,
        futures.commodity_code,
        futures.trade_date,
        futures.contract_code,
        futures.delivery_month,
        futures.close_cny_t,
        futures.is_dominant,
        futures.sessions_to_last_trading_day,
        futures.available_at,
        futures.data_origin,
        futures.payload_sha256,
        cast(coalesce(last_days.delivery_end_date, deliveries.delivery_end_date) - futures.trade_date as bigint) as days_to_delivery_end,
        cast(last_days.last_trading_day - futures.trade_date as bigint) as days_to_last_trading_day,
        parameters.reverse_carry_sessions,
        max(case when futures.is_dominant then futures.delivery_month end) over same_day as dominant_month
    from futures
    inner join deliveries on futures.contract_code = deliveries.contract_code
    inner join last_days
        on
            futures.contract_code = last_days.contract_code
            and futures.trade_date = last_days.trade_date
    inner join parameters on futures.commodity_code = parameters.commodity_code
    where
        futures.sessions_to_last_trading_day >= 0
        and (
            futures.reading = 'latest'
            or futures.available_at <= {{ shanghai_time('futures.trade_date', 'parameters.decision_time_minutes') }}
        )
    window same_day as (partition by futures.reading, futures.commodity_code, futures.trade_date)

),

final as (

    select
        *,
        case
            when is_dominant then 'dominant'
            when delivery_month = next_month then 'next'
            else 'near'
        end as contract_role
    from (
        select
            *,
            min(delivery_month) over (partition by reading, commodity_code, trade_date) as near_month,
            min(case when delivery_month > dominant_month then delivery_month end) over (
                partition by reading, commodity_code, trade_date
            ) as next_month
        from known_futures
    ) as placed
    where is_dominant or delivery_month = next_month or delivery_month = near_month

)

select * from final
