-- The weekly stock report of the configured commodities, place by place and with its printed sums, in tonnes. It counts from the session after
-- the report's, or later where the file states so; earlier only where the fetch log shows that it was in hand. A version is a whole payload.
with stock as (

    select * from {{ ref('stg_shfe__weekly_stock') }}

),

sums as (

    select * from {{ ref('int_stock__sums') }}

),

{{ refused_parts('of_product', ['shfe__weekly_stock'], ['product_id'], {'row_level': 'detail'}) }},

broken as (

    select distinct
        payload_sha256,
        product_id
    from sums
    where {{ breaks('printed_qty', 'found_qty') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}
    where exchange in {{ exchanges_of_shfe() }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}
    where dataset = 'shfe__weekly_stock'

),

timed as (

    select
        commodities.commodity_code,
        stock.trade_date,
        stock.warehouse_type,
        stock.region,
        stock.warehouse,
        stock.row_level,
        {%- set tonnes = "case stock.quantity_unit when 't' then 1.0 when 'kg' then 0.001 end" %}
        {%- for figure in ['deliverable', 'on_warrant', 'capacity_free'] %}
        {{ tonnes }} * stock.{{ figure }}_qty as {{ figure }}_t,
        {{ tonnes }} * stock.previous_{{ figure }}_qty as previous_{{ figure }}_t,
        {{ tonnes }} * (stock.{{ figure }}_qty - stock.previous_{{ figure }}_qty) as {{ figure }}_change_t,
        {%- endfor %}
        case
            when of_any.payload_sha256 is not null or of_product.payload_sha256 is not null then 'part_refused'
            when broken.payload_sha256 is not null then 'sum_broken'
        end as whole_reason,
        stock.source,
        stock.data_origin,
        stock.payload_sha256,
        stock.fetched_at,
        least({{ clock_at('stock.trade_date', 'stock.published_at', 'clock') }}, stock.fetched_at) as clock_at
    from stock
    inner join commodities on stock.product_id = commodities.product_id
    cross join clock
    left join of_any on stock.payload_sha256 = of_any.payload_sha256
    left join of_product
        on
            stock.payload_sha256 = of_product.payload_sha256
            and stock.product_id = of_product.product_id
    left join broken
        on
            stock.payload_sha256 = broken.payload_sha256
            and stock.product_id = broken.product_id

),

versions as (

    {{ payload_versions(
        'timed',
        keys=['commodity_code', 'trade_date'],
        said=[
            'told.warehouse_type', 'told.region', 'told.warehouse', 'told.row_level', 'cast(told.deliverable_t as string)',
            'cast(told.previous_deliverable_t as string)', 'cast(told.on_warrant_t as string)', 'cast(told.previous_on_warrant_t as string)',
            'cast(told.capacity_free_t as string)', 'cast(told.previous_capacity_free_t as string)', 'told.whole_reason',
        ],
        order=['told.warehouse_type', 'told.region', 'told.warehouse', 'told.row_level', 'told.on_warrant_t'],
    ) }}

),

final as (

    {{ rows_of_versions([
        'commodity_code', 'trade_date', 'warehouse_type', 'region', 'warehouse', 'row_level',
        'deliverable_t', 'previous_deliverable_t', 'deliverable_change_t',
        'on_warrant_t', 'previous_on_warrant_t', 'on_warrant_change_t',
        'capacity_free_t', 'previous_capacity_free_t', 'capacity_free_change_t',
        'whole_reason',
    ]) }}

)

select * from final
