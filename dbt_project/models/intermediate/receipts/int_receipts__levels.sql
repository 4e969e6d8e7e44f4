with receipts as (

    select * from {{ ref('int_exchange__receipts') }}

),

wholes as (

    select * from {{ ref('int_receipts__wholes') }}

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
        wholes.whole_reason,
        receipts.source,
        receipts.data_origin,
        receipts.payload_sha256,
        receipts.fetched_at,
        {{ shanghai_time('receipts.trade_date', 'parameters.decision_time_minutes') }} as decided_by,
        {{ clock_at('receipts.trade_date', 'receipts.published_at', 'clock') }} as clock_at
    from receipts
    {{ of_commodities('receipts') }}
    left join wholes
        on
            receipts.payload_sha256 = wholes.payload_sha256
            and receipts.trade_date = wholes.trade_date
            and receipts.product_id = wholes.product_id
    left join specs
        on
            commodities.commodity_code = specs.commodity_code
            and {{ in_force('specs', 'receipts.trade_date') }}

),

-- A payload that says the same of every warehouse is no version of its own, whatever it prints as their sum.
versions as (

    {{ payload_versions(
        'timed',
        keys=['commodity_code', 'trade_date'],
        said=[
            'told.warehouse_type', 'told.region', 'told.warehouse', 'told.row_level',
            "case when told.row_level = 'detail' then cast(told.receipts_t as string) end",
            "case when told.row_level = 'detail' then cast(told.published_change_t as string) end",
            "case when told.whole_reason = 'part_refused' then told.whole_reason end",
        ],
        order=['told.warehouse_type', 'told.region', 'told.warehouse', 'told.row_level', 'told.receipts_t'],
        decided=true
    ) }}

),

final as (

    {{ rows_of_versions(
        [
            'commodity_code', 'trade_date', 'warehouse_type', 'region', 'warehouse', 'row_level', 'receipts_t', 'published_change_t', 'whole_reason',
        ],
        decided=true
    ) }}

)

select * from final
