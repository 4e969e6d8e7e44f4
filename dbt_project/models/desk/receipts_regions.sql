with warehouses as (

    select * from {{ ref('fct_receipts_warehouse_daily') }}

),

final as (

    select
        commodity_code,
        trade_date,
        {{ stated('region') }} as region,
        max(region_receipts_t) as receipts_t,
        max(region_share_ratio) as region_share_ratio,
        count(*) as warehouse_count,
        case when max(region_receipts_t) is null then max(null_reason) end as null_reason,
        max('region_share_ratio:' || null_reason) as other_null_reason,
        max(available_at) as available_at,
        max(data_origin) as data_origin
    from warehouses
    group by commodity_code, trade_date, region

)

select * from final
