-- What the dominant contract cost, each clock of the day apart: close and settle from the exchange, 11:30 from the vendor's own spread (whose
-- price is told by spot) and, where bars are held, from the market itself. In the decided reading only prices that were known at the day's
-- own decision.
with futures as (

    select * from {{ ref('int_futures__daily') }}
    where is_dominant

),

-- A session has a dominant contract when its quotes have come.
decided as (

    select
        contract_code,
        trade_date,
        available_at
    from futures
    where reading = 'decided'

),

midday as (

    select
        reading,
        contract_code,
        trade_date,
        last_1130_cny_t,
        available_at,
        data_origin,
        payload_sha256
    from {{ ref('int_futures__session') }}
    where last_1130_cny_t is not null

),

deliveries as (

    select * from {{ ref('int_contracts__deliveries') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

known_futures as (

    select
        futures.*,
        deliveries.delivery_end_date
    from futures
    inner join deliveries on futures.contract_code = deliveries.contract_code
    inner join parameters on futures.commodity_code = parameters.commodity_code
    where
        futures.reading = 'latest'
        or futures.available_at <= {{ shanghai_time('futures.trade_date', 'parameters.decision_time_minutes') }}

),

final as (

    {%- for leg, price in [('close', 'close_cny_t'), ('settle', 'settle_cny_t')] %}
    select
        reading,
        commodity_code,
        trade_date,
        contract_code,
        delivery_end_date,
        '{{ leg }}' as futures_leg,
        'exchange' as price_source,
        {{ price }} as futures_cny_t,
        available_at,
        data_origin,
        payload_sha256
    from known_futures

    union all
    {% endfor %}
    select
        known_futures.reading,
        known_futures.commodity_code,
        known_futures.trade_date,
        known_futures.contract_code,
        known_futures.delivery_end_date,
        't1130' as futures_leg,
        'vendor_spread' as price_source,
        cast(null as double) as futures_cny_t,
        decided.available_at,
        known_futures.data_origin,
        cast(null as string) as payload_sha256
    from known_futures
    inner join decided
        on
            known_futures.contract_code = decided.contract_code
            and known_futures.trade_date = decided.trade_date

    union all

    select
        known_futures.reading,
        known_futures.commodity_code,
        known_futures.trade_date,
        known_futures.contract_code,
        known_futures.delivery_end_date,
        't1130' as futures_leg,
        'bars' as price_source,
        midday.last_1130_cny_t as futures_cny_t,
        greatest(midday.available_at, decided.available_at) as available_at,
        midday.data_origin,
        midday.payload_sha256
    from known_futures
    inner join decided
        on
            known_futures.contract_code = decided.contract_code
            and known_futures.trade_date = decided.trade_date
    inner join midday
        on
            known_futures.reading = midday.reading
            and known_futures.contract_code = midday.contract_code
            and known_futures.trade_date = midday.trade_date
    inner join parameters on known_futures.commodity_code = parameters.commodity_code
    where
        known_futures.reading = 'latest'
        or midday.available_at <= {{ shanghai_time('known_futures.trade_date', 'parameters.decision_time_minutes') }}

)

select * from final
