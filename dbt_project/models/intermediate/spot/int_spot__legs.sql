-- The spot prices a futures price is held against: each region's own, and that of the cheapest goods that can be delivered.
with series as (

    select * from {{ ref('int_series__daily') }}
    where role = 'spot' and unit = 'CNY/t'

),

terms as (

    select * from {{ ref('int_commodities__terms') }}
    where term = 'region_premium_cny_t' and scope <> 'national'

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
            and {{ in_force('terms', 'spot.trade_date') }}

),

final as (

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

)

select * from final
