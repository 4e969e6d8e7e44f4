{{ config(materialized='view') }}

-- What a weekly stock report prints twice, by itself and beside the receipts of its day. A place that was approved for more or less than the
-- week before, or shares its room with another product, breaks the sum of warrants and free capacity: that is news, and a finding.
with stock as (

    {{ with_available_at(ref('stg_shfe__weekly_stock'), keys=['trade_date'], dataset='shfe__weekly_stock') }}

),

receipts as (

    {{ with_available_at(ref('int_exchange__receipts'), keys=['dataset', 'trade_date', 'product_id']) }}

),

stock_sums as (

    select
        'shfe__weekly_stock' as table_name,
        trade_date,
        trim(product_name || ' ' || region || ' ' || warehouse) || ' ' || figure as subject,
        printed_qty as expected_value,
        found_qty as found_value,
        available_at,
        payload_sha256
    from ({{ with_available_at(ref('int_stock__sums'), keys=['trade_date'], dataset='shfe__weekly_stock') }}) as sums

),

capacities as (

    select
        'shfe__weekly_stock' as table_name,
        trade_date,
        trim(product_name || ' ' || region || ' ' || warehouse) as subject,
        previous_on_warrant_qty + previous_capacity_free_qty as expected_value,
        on_warrant_qty + capacity_free_qty as found_value,
        available_at,
        payload_sha256
    from stock
    where row_level = 'detail'

),

parts as (

    select
        'shfe__weekly_stock' as table_name,
        trade_date,
        trim(product_name || ' ' || region || ' ' || warehouse) as subject,
        least(on_warrant_qty, deliverable_qty) as expected_value,
        on_warrant_qty as found_value,
        available_at,
        payload_sha256
    from stock
    where deliverable_qty is not null

),

-- If a day has several receipts files, one that agrees is enough.
registered as (

    select
        'shfe__weekly_stock' as table_name,
        stock.trade_date,
        trim(stock.product_name || ' ' || stock.region || ' ' || stock.warehouse) as subject,
        {{ arg_max('receipts.receipts_qty', '-abs(receipts.receipts_qty - stock.on_warrant_qty)') }} as expected_value,
        stock.on_warrant_qty as found_value,
        min(greatest(stock.available_at, receipts.available_at)) as available_at,
        stock.payload_sha256
    from stock
    inner join receipts
        on
            stock.trade_date = receipts.trade_date
            and stock.product_id = receipts.product_id
            and stock.warehouse_type = receipts.warehouse_type
            and stock.region = receipts.region
            and stock.warehouse = receipts.warehouse
            and stock.row_level = receipts.row_level
            and receipts.dataset = 'shfe__warehouse_receipts'
    where stock.row_level = 'detail'
    group by
        stock.trade_date, stock.product_name, stock.region, stock.warehouse, stock.on_warrant_qty, stock.payload_sha256

),

final as (

    {{ identities([
        ('places_add_up_to_the_weekly_sum', 'stock_sums', 'the places do not add up to the printed sum of the weekly report'),
        ('approved_capacity_is_that_of_the_week_before', 'capacities', 'warrants and free capacity are not what they were: a place was approved for more or less'),
        ('warrants_are_a_part_of_the_deliverable', 'parts', 'more is on warrant than there is of delivery grade'),
        ('weekly_warrants_are_those_of_the_receipts', 'registered', 'the weekly report has other warrants than the receipts of its day'),
    ]) }}

)

select * from final
