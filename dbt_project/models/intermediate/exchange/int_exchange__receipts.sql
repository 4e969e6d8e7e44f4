with shfe as (

    select * from {{ ref('stg_shfe__warehouse_receipts') }}

),

gfex as (

    select * from {{ ref('stg_gfex__warehouse_receipts') }}

),

ine as (

    select * from {{ ref('stg_catalog__products') }}
    where exchange = 'INE'

),

final as (

    select
        {{ exchange_of('SHFE') }} as exchange,
        'shfe__warehouse_receipts' as dataset,
        printed.trade_date,
        printed.product_id,
        printed.product_name,
        printed.warehouse_type,
        printed.region,
        printed.warehouse,
        printed.row_level,
        printed.receipts_qty,
        printed.receipts_change_qty,
        cast(null as double) as previous_receipts_qty,
        printed.quantity_unit,
        printed.source,
        printed.data_origin,
        printed.payload_sha256,
        printed.fetched_at,
        printed.published_at
    from shfe as printed
    left join ine on printed.product_id = ine.product_id

    union all

    -- One row per brand in the answer; regions and kinds of warehouse are not printed.
    select
        'GFEX' as exchange,
        'gfex__warehouse_receipts' as dataset,
        trade_date,
        product_id,
        product_name,
        'unstated' as warehouse_type,
        '' as region,
        warehouse,
        row_level,
        sum(receipts_qty) as receipts_qty,
        sum(receipts_change_qty) as receipts_change_qty,
        sum(previous_receipts_qty) as previous_receipts_qty,
        quantity_unit,
        source,
        data_origin,
        payload_sha256,
        fetched_at,
        published_at
    from gfex
    group by
        trade_date,
        product_id,
        product_name,
        warehouse,
        row_level,
        quantity_unit,
        source,
        data_origin,
        payload_sha256,
        fetched_at,
        published_at

)

select * from final
