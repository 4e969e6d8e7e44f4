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
        receipts_change_3d_pct,
        warrants,
        is_warrant_multiple,
        warehouse_count,
        percentile_since_listing_ratio,
        percentile_since_first_nonzero_ratio,
        is_low,
        delivered_contract,
        days_since_ltd,
        days_since_delivery,
        cycle_ratio,
        squeeze_contract,
        squeeze_ratio,
        squeeze_state,
        squeeze_dominant_ratio,
        squeeze_dominant_percentile_ratio,
        has_delivery_concern,
        delivery_demand_t_day,
        cover_days,
        expiry_30d_ratio,
        expiry_60d_ratio,
        expiry_90d_ratio,
        null_reason,
        available_at,
        source,
        data_origin,
        payload_sha256
    from daily

)

select * from final
