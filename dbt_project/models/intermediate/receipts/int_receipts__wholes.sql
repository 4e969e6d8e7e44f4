-- Whether a payload's receipts of a product are all there: no row of it was refused, and its printed sums are those of its warehouses. Where
-- not, the total of that product and day is not known, and neither is what is made of it.
with receipts as (

    select * from {{ ref('int_exchange__receipts') }}

),

sums as (

    select * from {{ ref('int_receipts__sums') }}

),

{{ refused_parts('of_product', ['shfe__warehouse_receipts', 'gfex__warehouse_receipts'], ['product_id'], {'row_level': 'detail'}) }},

broken as (

    select distinct
        payload_sha256,
        trade_date,
        product_id
    from sums
    where {{ breaks('printed_qty', 'found_qty') }}

),

products as (

    select distinct
        payload_sha256,
        trade_date,
        product_id
    from receipts
    where row_level = 'detail'

),

final as (

    select
        products.payload_sha256,
        products.trade_date,
        products.product_id,
        case
            when of_any.payload_sha256 is not null or of_product.payload_sha256 is not null then 'part_refused'
            when broken.payload_sha256 is not null then 'sum_broken'
        end as whole_reason
    from products
    left join of_any on products.payload_sha256 = of_any.payload_sha256
    left join of_product
        on
            products.payload_sha256 = of_product.payload_sha256
            and products.product_id = of_product.product_id
    left join broken
        on
            products.payload_sha256 = broken.payload_sha256
            and products.trade_date = broken.trade_date
            and products.product_id = broken.product_id

)

select * from final
