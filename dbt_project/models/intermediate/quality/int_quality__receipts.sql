{{ config(materialized='view') }}

-- What a receipts file prints twice: sums over warehouses and over products, and changes beside the levels they are of.
with receipts as (

    {{ with_available_at(ref('int_exchange__receipts'), keys=['dataset', 'trade_date', 'product_id']) }}

),

levels as (

    select * from {{ ref('int_receipts__daily') }}
    where reading = 'latest'

),

exchange_sums as (

    select
        dataset as table_name,
        trade_date,
        exchange || ' ' || quantity_unit as subject,
        max(case when row_level = 'exchange_total' then receipts_qty end) as expected_value,
        sum(case when row_level = 'product_total' then receipts_qty end) as found_value,
        max(available_at) as available_at,
        payload_sha256
    from receipts
    where exchange = 'GFEX'
    group by dataset, trade_date, exchange, quantity_unit, payload_sha256

),

region_sums as (

    select
        dataset as table_name,
        trade_date,
        trim(product_name || ' ' || region || ' ' || warehouse) as subject,
        printed_qty as expected_value,
        found_qty as found_value,
        available_at,
        payload_sha256
    from ({{ with_available_at(ref('int_receipts__sums'), keys=['dataset', 'trade_date', 'product_id']) }}) as sums

),

printed_receipt_changes as (

    select
        dataset as table_name,
        trade_date,
        trim(product_name || ' ' || warehouse) as subject,
        receipts_qty - previous_receipts_qty as expected_value,
        receipts_change_qty as found_value,
        available_at,
        payload_sha256
    from receipts
    where previous_receipts_qty is not null

),

receipt_changes as (

    select
        'fct_receipts_daily' as table_name,
        trade_date,
        commodity_code as subject,
        receipts_change_t as expected_value,
        published_change_t as found_value,
        available_at,
        payload_sha256
    from levels
    where receipts_change_t is not null

),

final as (

    {{ identities([
        ('products_add_up_to_the_exchange', 'exchange_sums', 'the sums of the products do not add up to the printed sum of the exchange'),
        ('warehouses_add_up_to_the_sum_row', 'region_sums', 'the warehouses do not add up to the printed sum'),
        ('printed_receipts_change_is_the_difference', 'printed_receipt_changes', 'the printed change is not the difference to the printed level before'),
        ('receipts_change_is_the_difference', 'receipt_changes', 'the printed change is not the difference of the levels'),
    ]) }}

)

select * from final
