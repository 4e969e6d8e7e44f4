-- What the dominant contract cost, each clock of the day apart: close and settle from the exchange, 11:30 from the vendor's own spread (whose
-- price is told by spot) and, where bars are held, from the market itself. In the decided reading only prices that were known at the day's
-- own decision.
with futures as (

    select * from {{ ref('int_futures__daily') }}
    where is_dominant

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
        reading,
        commodity_code,
        trade_date,
        contract_code,
        delivery_end_date,
        't1130' as futures_leg,
        'vendor_spread' as price_source,
        cast(null as double) as futures_cny_t,
        cast(null as timestamp with time zone) as available_at,
        data_origin,
        cast(null as varchar) as payload_sha256
    from known_futures

    union all

    -- Which contract is dominant was decided before the day began, so that its price at 11:30 is known at 11:30.
    select
        futures.reading,
        futures.commodity_code,
        futures.trade_date,
        futures.contract_code,
        deliveries.delivery_end_date,
        't1130' as futures_leg,
        'bars' as price_source,
        midday.last_1130_cny_t as futures_cny_t,
        midday.available_at,
        midday.data_origin,
        midday.payload_sha256
    from futures
    inner join deliveries on futures.contract_code = deliveries.contract_code
    inner join midday
        on
            futures.reading = midday.reading
            and futures.contract_code = midday.contract_code
            and futures.trade_date = midday.trade_date
    inner join parameters on futures.commodity_code = parameters.commodity_code
    where
        futures.reading = 'latest'
        or midday.available_at <= {{ shanghai_time('futures.trade_date', 'parameters.decision_time_minutes') }}

)

select * from final
