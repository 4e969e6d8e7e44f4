-- The total is the sum of detail rows over the warehouse and the factory table: the printed 总计 covers warehouses only.
with warehouses as (

    select * from {{ ref('int_receipts__warehouses') }}

),

commodities as (

    select * from {{ ref('dim_commodity') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

totals as (

    select
        warehouses.reading,
        warehouses.commodity_code,
        warehouses.trade_date,
        days.session_index,
        sum(warehouses.receipts_t) as receipts_t,
        sum(warehouses.published_change_t) as published_change_t,
        count(*) as warehouse_count,
        max(warehouses.available_at) as available_at,
        max(warehouses.source) as source,
        max(warehouses.data_origin) as data_origin,
        max(warehouses.payload_sha256) as payload_sha256
    from warehouses
    inner join days on warehouses.trade_date = days.trade_date
    group by warehouses.reading, warehouses.commodity_code, warehouses.trade_date, days.session_index

),

changes as (

    select
        *,
        case
            when
                lag(session_index) over (partition by reading, commodity_code order by trade_date) = session_index - 1
                then receipts_t - lag(receipts_t) over (partition by reading, commodity_code order by trade_date)
        end as receipts_change_t
    from totals

),

final as (

    select
        changes.reading,
        changes.commodity_code,
        changes.trade_date,
        changes.receipts_t,
        changes.receipts_change_t,
        changes.published_change_t,
        cast(round(changes.receipts_t / commodities.warrant_unit_t) as bigint) as warrants,
        abs(changes.receipts_t - commodities.warrant_unit_t * round(changes.receipts_t / commodities.warrant_unit_t))
        <= parameters.warrant_tolerance_ratio * changes.receipts_t as is_warrant_multiple,
        changes.warehouse_count,
        changes.available_at,
        changes.source,
        changes.data_origin,
        changes.payload_sha256
    from changes
    inner join commodities on changes.commodity_code = commodities.commodity_code
    inner join parameters on changes.commodity_code = parameters.commodity_code

)

select * from final
