with receipts as (

    select * from {{ ref('int_exchange__receipts') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

specs as (

    select * from {{ ref('int_commodities__specs') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

timed as (

    select
        commodities.commodity_code,
        receipts.trade_date,
        receipts.warehouse_type,
        receipts.region,
        receipts.warehouse,
        receipts.row_level,
        {%- set tonnes = "case receipts.quantity_unit when 't' then 1.0 when 'kg' then 0.001 when 'lot' then specs.contract_size_t end" %}
        {{ tonnes }} * receipts.receipts_qty as receipts_t,
        {{ tonnes }} * receipts.receipts_change_qty as published_change_t,
        receipts.source,
        receipts.data_origin,
        receipts.payload_sha256,
        receipts.fetched_at,
        {{ available_at('receipts.trade_date', 'receipts.published_at', 'clock') }} as available_at
    from receipts
    inner join commodities
        on
            receipts.product_id = commodities.product_id
            and receipts.exchange = commodities.exchange
    inner join clock on receipts.dataset = clock.dataset
    left join specs
        on
            commodities.commodity_code = specs.commodity_code
            and receipts.trade_date >= specs.valid_from
            and (specs.superseded_from is null or receipts.trade_date < specs.superseded_from)

),

-- A version of the day is a whole payload: a later file replaces all rows of the earlier one, also those it no longer has.
payloads as (

    select
        commodity_code,
        trade_date,
        payload_sha256,
        min(available_at) as available_at,
        min(fetched_at) as fetched_at
    from timed
    group by commodity_code, trade_date, payload_sha256

),

versions as (

    select
        *,
        {{ vintage(['commodity_code', 'trade_date']) }} as vintage,
        {{ is_latest(['commodity_code', 'trade_date']) }} as is_latest
    from payloads

),

final as (

    select
        timed.*,
        versions.vintage,
        versions.is_latest
    from timed
    inner join versions
        on
            timed.commodity_code = versions.commodity_code
            and timed.trade_date = versions.trade_date
            and timed.payload_sha256 = versions.payload_sha256

)

select * from final
