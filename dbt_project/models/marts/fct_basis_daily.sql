-- Three clocks apart: close and settle against the day's spot from the exchange's prices; 11:30 from the vendor's own spread,
-- which the vendor states for the national index only.
with futures as (

    select * from {{ ref('fct_futures_daily') }}
    where is_dominant

),

spot as (

    select * from {{ ref('fct_spot_daily') }}

),

spreads as (

    select * from {{ ref('int_series__values') }}
    where is_latest and role = 'spread_1130'

),

spot_series as (

    select distinct
        commodity_code,
        provider,
        region
    from spot

),

clocks as (

    select 'close' as futures_leg
    union all
    select 'settle' as futures_leg
    union all
    select 't1130' as futures_leg

),

-- Every clock and every spot series of the commodity on every session: what is missing shows as a row with its reason.
legs as (

    select
        futures.commodity_code,
        futures.trade_date,
        futures.contract_code,
        clocks.futures_leg,
        spot_series.provider,
        spot_series.region,
        futures.available_at as futures_available_at,
        futures.payload_sha256 as futures_payload_sha256,
        futures.data_origin,
        case clocks.futures_leg when 'close' then futures.close_cny_t when 'settle' then futures.settle_cny_t end as exchange_cny_t
    from futures
    inner join spot_series on futures.commodity_code = spot_series.commodity_code
    cross join clocks

),

priced as (

    select
        legs.commodity_code,
        legs.trade_date,
        legs.futures_leg,
        legs.provider,
        legs.region,
        legs.contract_code,
        spot.spot_cny_t,
        spot.payload_sha256 as spot_payload_sha256,
        legs.data_origin,
        case
            when legs.futures_leg = 't1130' then spot.spot_cny_t - spreads.value
            else legs.exchange_cny_t
        end as futures_cny_t,
        case when legs.futures_leg = 't1130' then 'vendor_spread' else 'exchange' end as price_source,
        case
            when spot.spot_cny_t is null then 'no_spot_price'
            when legs.futures_leg = 't1130' and spreads.value is null then 'no_vendor_spread'
            when legs.futures_leg <> 't1130' and legs.exchange_cny_t is null then 'no_futures_price'
        end as null_reason,
        greatest(
            case when legs.futures_leg = 't1130' then spreads.available_at else legs.futures_available_at end,
            spot.available_at
        ) as available_at,
        case when legs.futures_leg = 't1130' then spreads.payload_sha256 else legs.futures_payload_sha256 end as payload_sha256
    from legs
    left join spot
        on
            legs.commodity_code = spot.commodity_code
            and legs.trade_date = spot.trade_date
            and legs.provider = spot.provider
            and legs.region = spot.region
    left join spreads
        on
            legs.commodity_code = spreads.commodity_code
            and legs.trade_date = spreads.obs_date
            and legs.provider = spreads.provider
            and legs.region = spreads.region
    where legs.futures_leg <> 't1130' or legs.region = 'national'

),

final as (

    select
        commodity_code,
        trade_date,
        futures_leg,
        case when region = 'national' then 'natl' else 'reg_' || region end as spot_leg,
        provider,
        region,
        contract_code,
        futures_cny_t,
        spot_cny_t,
        spot_cny_t - futures_cny_t as basis_cny_t,
        futures_cny_t - spot_cny_t as premium_cny_t,
        {{ pct('futures_cny_t', 'spot_cny_t') }} as premium_rate_pct,
        price_source,
        null_reason,
        available_at,
        data_origin,
        payload_sha256
    from priced

)

select * from final
