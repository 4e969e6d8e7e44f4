with receipts as (

    select * from {{ ref('fct_receipts_daily') }}

),

final as (

    select
        commodity_code,
        trade_date,
        receipts_t,
        receipts_change_t,
        receipts_change_3d_pct,
        receipts_usual_t,
        percentile_since_listing_ratio,
        percentile_since_first_nonzero_ratio,
        is_low,
        is_inflow,
        warrants,
        warehouse_count,
        squeeze_contract,
        squeeze_sessions,
        squeeze_ratio,
        squeeze_percentile_ratio,
        squeeze_floor_ratio,
        squeeze_state,
        cover_days,
        delivered_contract,
        days_since_delivery,
        expiry_30d_ratio,
        expiry_60d_ratio,
        expiry_90d_ratio,
        {{ reason_of('null_reason', 'receipts_t') }} as null_reason,
        null_reason as other_null_reason,
        available_at,
        data_origin
    from receipts

)

select * from final
