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
            sums.payload_sha256 = details.payload_sha256
            and sums.trade_date = details.trade_date
            and sums.product_id = details.product_id
            and sums.warehouse_type = details.warehouse_type
            and details.row_level = 'detail'
            and (
                -- A factory with goods in several regions has a sum of its own, with its name in the region's place.
                (sums.row_level = 'region_total' and sums.region in ('', details.region, details.warehouse))
                -- 保税商品总计 and 完税商品总计 are parts of 总计; where the exchange prints one sum only, it has no such name.
                or (sums.row_level = 'product_total' and sums.warehouse in ('总计', ''))
            )
    group by
        sums.exchange, sums.dataset, sums.trade_date, sums.product_id, sums.product_name, sums.warehouse_type, sums.region, sums.warehouse,
        sums.row_level, sums.receipts_qty, sums.payload_sha256

)

select * from final
