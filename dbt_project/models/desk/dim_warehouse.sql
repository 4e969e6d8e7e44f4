with receipts as (

    select * from {{ ref('fct_receipts_warehouse_daily') }}

),

final as (

    select
        warehouse_type,
        {{ stated('region') }} as region,
        warehouse,
        min(trade_date) as first_trade_date,
        max(trade_date) as last_trade_date
    from receipts
    group by warehouse_type, region, warehouse

)

select * from final
