with daily as (

    select * from {{ ref('int_receipts__daily') }}
    where reading = 'latest'

),

final as (

    select
        commodity_code,
        trade_date,
        receipts_t,
        receipts_change_t,
        published_change_t,
        warrants,
        is_warrant_multiple,
        warehouse_count,
        available_at,
        source,
        data_origin,
        payload_sha256
    from daily

)

select * from final
