-- The dominant contract against spot, each clock of the day apart. A vendor states its spread at 11:30 for the national index.
with prices as (

    select * from {{ ref('int_basis__prices') }}

),

legs as (

    select * from {{ ref('int_spot__legs') }}

),

spreads as (

    select * from {{ ref('int_series__daily') }}
    where role = 'spread_1130'

),

spot_legs as (

    select distinct
        commodity_code,
        provider,
        spot_leg,
        case when spot_leg <> 'deliv' then region end as region
    from legs

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
        greatest(available_at, case when price_source = 'vendor_spread' then spread_available_at end, spot_available_at) as available_at,
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
