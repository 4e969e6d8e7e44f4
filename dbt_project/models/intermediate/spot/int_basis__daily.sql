-- The dominant contract against spot, each clock of the day apart: close and settle from the exchange, 11:30 from the vendor's own
-- spread (which it states for the national index) and, where bars are held, from the market itself. In the decided reading only figures
-- that were known at the day's own decision.
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

series as (

    select * from {{ ref('int_series__daily') }}

),

deliveries as (

    select * from {{ ref('int_contracts__deliveries') }}

),

terms as (

    select * from {{ ref('int_commodities__terms') }}
    where term = 'region_premium_cny_t' and scope <> 'national'

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

spreads as (

    select * from series
    where role = 'spread_1130'

),

spot as (

    select
        reading,
        commodity_code,
        trade_date,
        provider,
        region,
        case when region = 'national' then 'natl' else 'reg_' || region end as spot_leg,
        value as spot_cny_t,
        available_at
    from series
    where role = 'spot' and unit = 'CNY/t'

),

-- What the cheapest goods cost that can be delivered: in a delivery region the regional spot price less the premium the exchange pays
-- there over the contract. A delivery region is one that has a premium, be it zero.
deliverable as (

    select
        spot.reading,
        spot.commodity_code,
        spot.trade_date,
        spot.provider,
        spot.region,
        spot.spot_cny_t - terms.term_value as spot_cny_t,
        max(spot.available_at) over (
            partition by spot.reading, spot.commodity_code, spot.trade_date, spot.provider
        ) as available_at,
        row_number() over (
            partition by spot.reading, spot.commodity_code, spot.trade_date, spot.provider
            order by spot.spot_cny_t - terms.term_value, spot.region
        ) as place
    from spot
    inner join terms
        on
            spot.commodity_code = terms.commodity_code
            and spot.region = terms.scope
            and spot.trade_date >= terms.valid_from
            and (terms.superseded_from is null or spot.trade_date < terms.superseded_from)

),

legs as (

    select
        reading,
        commodity_code,
        trade_date,
        provider,
        region,
        spot_leg,
        spot_cny_t,
        available_at
    from spot

    union all

    select
        reading,
        commodity_code,
        trade_date,
        provider,
        region,
        'deliv' as spot_leg,
        spot_cny_t,
        available_at
    from deliverable
    where place = 1

),

spot_legs as (

    select distinct
        commodity_code,
        provider,
        spot_leg,
        case when spot_leg <> 'deliv' then region end as region
    from legs

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

prices as (

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

),

-- Every clock and every spot leg of the commodity on every session: what is missing shows as a row with its reason. Only a price that
-- comes from a vendor's spread has one to look up.
asked as (

    select
        prices.*,
        spot_legs.provider,
        spot_legs.spot_leg,
        spot_legs.region as usual_region,
        case when prices.price_source = 'vendor_spread' then spot_legs.provider end as spread_provider
    from prices
    inner join spot_legs
        on
            prices.commodity_code = spot_legs.commodity_code
            and (prices.price_source <> 'vendor_spread' or spot_legs.spot_leg = 'natl')

),

paired as (

    select
        asked.*,
        coalesce(legs.region, asked.usual_region) as region,
        legs.spot_cny_t,
        legs.available_at as spot_available_at,
        spreads.value as spread_cny_t,
        spreads.available_at as spread_available_at,
        spreads.payload_sha256 as spread_payload_sha256
    from asked
    left join legs
        on
            asked.reading = legs.reading
            and asked.commodity_code = legs.commodity_code
            and asked.trade_date = legs.trade_date
            and asked.provider = legs.provider
            and asked.spot_leg = legs.spot_leg
    left join spreads
        on
            asked.reading = spreads.reading
            and asked.commodity_code = spreads.commodity_code
            and asked.trade_date = spreads.trade_date
            and asked.spread_provider = spreads.provider

),

priced as (

    select
        reading,
        commodity_code,
        trade_date,
        futures_leg,
        price_source,
        spot_leg,
        provider,
        region,
        contract_code,
        case when price_source = 'vendor_spread' then spot_cny_t - spread_cny_t else futures_cny_t end as futures_cny_t,
        spot_cny_t,
        cast(delivery_end_date - trade_date as bigint) as days_to_delivery_end,
        case
            when spot_cny_t is null then 'no_spot_price'
            when price_source = 'vendor_spread' and spread_cny_t is null then 'no_vendor_spread'
            when price_source <> 'vendor_spread' and futures_cny_t is null then 'no_futures_price'
            when delivery_end_date is null then 'no_delivery_date'
        end as null_reason,
        greatest(case when price_source = 'vendor_spread' then spread_available_at else available_at end, spot_available_at) as available_at,
        data_origin,
        case when price_source = 'vendor_spread' then spread_payload_sha256 else payload_sha256 end as payload_sha256
    from paired

),

final as (

    select
        reading,
        commodity_code,
        trade_date,
        futures_leg,
        price_source,
        spot_leg,
        provider,
        region,
        contract_code,
        futures_cny_t,
        spot_cny_t,
        spot_cny_t - futures_cny_t as basis_cny_t,
        futures_cny_t - spot_cny_t as premium_cny_t,
        100.0 * (spot_cny_t - futures_cny_t) / nullif(spot_cny_t, 0.0) as basis_rate_pct,
        {{ pct('futures_cny_t', 'spot_cny_t') }} as premium_rate_pct,
        days_to_delivery_end,
        {{ pct('futures_cny_t', 'spot_cny_t') }} * 365.0 / nullif(days_to_delivery_end, 0) as ann_carry_gross_pct,
        null_reason,
        available_at,
        data_origin,
        payload_sha256
    from priced

)

select * from final
