with warehouses as (

    select * from {{ ref('fct_receipts_warehouse_daily') }}

),

final as (

    select
        commodity_code,
        trade_date,
        warehouse_type,
        {{ stated('region') }} as region,
        warehouse,
        receipts_t,
        published_change_t,
        available_at,
        data_origin
    from warehouses

)

select * from final
