-- Bars of single contracts with the time each could be known: its own end.
with bars as (

    select * from {{ ref('stg_bars__prices') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

timed as (

    select
        commodities.commodity_code,
        commodities.commodity_code || bars.delivery_month_code as contract_code,
        bars.trade_date,
        bars.session,
        bars.provider,
        bars.bar_length,
        bars.event_at,
        bars.open_price as open_cny_t,
        bars.high_price as high_cny_t,
        bars.low_price as low_cny_t,
        bars.close_price as close_cny_t,
        bars.volume_lots,
        bars.open_interest_lots,
        bars.source,
        bars.data_origin,
        bars.payload_sha256,
        bars.fetched_at,
        {{ shanghai_time('bars.trade_date', 'parameters.decision_time_minutes') }} as decided_by,
        bars.event_at as clock_at
    from bars
    inner join commodities on bars.product_id = commodities.product_id
    inner join parameters on commodities.commodity_code = parameters.commodity_code

),

final as (

    {{ versions(
        'timed',
        keys=['commodity_code', 'contract_code', 'provider', 'bar_length', 'event_at'],
        values=['open_cny_t', 'high_cny_t', 'low_cny_t', 'close_cny_t', 'volume_lots', 'open_interest_lots'],
        decided=true
    ) }}

)

select * from final
