with daily as (

    select * from {{ ref('int_receipts__warehouses') }}
    where reading = 'latest'

),

final as (

    select
        commodity_code,
        trade_date,
        warehouse_type,
        region,
        warehouse,
        receipts_t,
        published_change_t,
        region_receipts_t,
        region_share_ratio,
        null_reason,
        available_at,
        source,
        data_origin,
        payload_sha256
    from daily

)

select * from final
