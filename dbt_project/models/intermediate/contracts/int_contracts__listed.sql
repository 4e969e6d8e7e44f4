-- What the exchange's own list says of a contract: listing, last trading day, delivery. The list of each day repeats the contracts of the day
-- before, so a version is there only where the list said something else.
with contracts as (

    select * from {{ ref('stg_shfe__contracts') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}
    where exchange in {{ exchanges_of_shfe() }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}
    where dataset = 'shfe__contracts'

),

timed as (

    select
        commodities.commodity_code,
        commodities.commodity_code || contracts.delivery_month_code as contract_code,
        contracts.listing_date,
        contracts.last_trading_day,
        contracts.delivery_start_date,
        contracts.delivery_end_date,
        contracts.base_price as base_price_cny_t,
        contracts.source,
        contracts.data_origin,
        contracts.payload_sha256,
        contracts.fetched_at,
        {{ clock_at('contracts.trade_date', 'contracts.published_at', 'clock') }} as clock_at
    from contracts
    inner join commodities on contracts.product_id = commodities.product_id
    cross join clock

),

final as (

    {{ versions(
        'timed',
        keys=['commodity_code', 'contract_code'],
        values=['listing_date', 'last_trading_day', 'delivery_start_date', 'delivery_end_date', 'base_price_cny_t']
    ) }}

)

select * from final
