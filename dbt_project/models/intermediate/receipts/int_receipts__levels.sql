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

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

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
        {{ shanghai_time('receipts.trade_date', 'parameters.decision_time_minutes') }} as decided_by,
        {{ clock_at('receipts.trade_date', 'receipts.published_at', 'clock') }} as clock_at
    from receipts
    inner join commodities
        on
            receipts.product_id = commodities.product_id
            and receipts.exchange = commodities.exchange
    inner join clock on receipts.dataset = clock.dataset
    inner join parameters on commodities.commodity_code = parameters.commodity_code
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
        min(decided_by) as decided_by,
        min(clock_at) as clock_at,
        min(fetched_at) as fetched_at,
        md5({{ joined(
            "concat_ws('|', warehouse_type, region, warehouse, row_level, cast(receipts_t as varchar), cast(published_change_t as varchar))",
            'warehouse_type, region, warehouse, row_level, receipts_t'
        ) }}) as content
    from timed
    group by commodity_code, trade_date, payload_sha256

),

versions as (

    {{ versions('payloads', keys=['commodity_code', 'trade_date'], values=['content'], decided=true) }}

),

final as (

    select
        timed.commodity_code,
        timed.trade_date,
        timed.warehouse_type,
        timed.region,
        timed.warehouse,
        timed.row_level,
        timed.receipts_t,
        timed.published_change_t,
        timed.source,
        timed.data_origin,
        timed.payload_sha256,
        timed.fetched_at,
        versions.available_at,
        versions.superseded_at,
        versions.vintage,
        versions.is_latest,
        versions.is_decided
    from timed
    inner join versions
        on
            timed.commodity_code = versions.commodity_code
            and timed.trade_date = versions.trade_date
            and timed.payload_sha256 = versions.payload_sha256

)

select * from final
