{{ config(materialized='view') }}

-- Sums as a receipts file prints them, beside those of its own detail rows.
with receipts as (

    select * from {{ ref('int_exchange__receipts') }}

),

final as (

    select
        sums.exchange,
        sums.dataset,
        sums.trade_date,
        sums.product_id,
        sums.product_name,
        sums.warehouse_type,
        sums.region,
        sums.warehouse,
        sums.row_level,
        sums.receipts_qty as printed_qty,
        sum(details.receipts_qty) as found_qty,
        sums.payload_sha256,
        min(sums.fetched_at) as fetched_at,
        min(sums.published_at) as published_at
    from receipts as sums
    inner join receipts as details
        on
            {{ is_summed('sums', 'details') }}
    group by
        sums.exchange, sums.dataset, sums.trade_date, sums.product_id, sums.product_name, sums.warehouse_type, sums.region, sums.warehouse,
        sums.row_level, sums.receipts_qty, sums.payload_sha256

)

select * from final
