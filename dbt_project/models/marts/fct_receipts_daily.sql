-- Days whose total is known, and the others with why not.
with daily as (

    select * from {{ ref('int_receipts__daily') }}
    where reading = 'latest'

),

unknown as (

    select * from {{ ref('int_receipts__totals') }}
    where reading = 'latest' and whole_reason is not null

),

final as (

    select
        commodity_code,
        trade_date,
        receipts_t,
        receipts_change_t,
        published_change_t,
        receipts_change_3d_pct,
        receipts_usual_t,
        receipts_change_norm,
        is_inflow,
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
        squeeze_sessions,
        squeeze_ratio,
        squeeze_percentile_ratio,
        squeeze_cycles,
        squeeze_floor_ratio,
        squeeze_state,
        squeeze_state_reason,
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

    union all

    select
        commodity_code,
        trade_date,
        cast(null as double) as receipts_t,
        cast(null as double) as receipts_change_t,
        cast(null as double) as published_change_t,
        cast(null as double) as receipts_change_3d_pct,
        cast(null as double) as receipts_usual_t,
        cast(null as double) as receipts_change_norm,
        cast(null as boolean) as is_inflow,
        cast(null as bigint) as warrants,
        cast(null as boolean) as is_warrant_multiple,
        cast(null as bigint) as warehouse_count,
        cast(null as double) as percentile_since_listing_ratio,
        cast(null as double) as percentile_since_first_nonzero_ratio,
        cast(null as boolean) as is_low,
        cast(null as string) as delivered_contract,
        cast(null as bigint) as days_since_ltd,
        cast(null as bigint) as days_since_delivery,
        cast(null as double) as cycle_ratio,
        cast(null as string) as squeeze_contract,
        cast(null as bigint) as squeeze_sessions,
        cast(null as double) as squeeze_ratio,
        cast(null as double) as squeeze_percentile_ratio,
        cast(null as bigint) as squeeze_cycles,
        cast(null as double) as squeeze_floor_ratio,
        cast(null as string) as squeeze_state,
        cast(null as string) as squeeze_state_reason,
        cast(null as double) as squeeze_dominant_ratio,
        cast(null as double) as squeeze_dominant_percentile_ratio,
        cast(null as boolean) as has_delivery_concern,
        cast(null as double) as delivery_demand_t_day,
        cast(null as double) as cover_days,
        cast(null as double) as expiry_30d_ratio,
        cast(null as double) as expiry_60d_ratio,
        cast(null as double) as expiry_90d_ratio,
        {%- set figures = [
            'receipts_t', 'warehouse_count', 'published_change_t', 'receipts_change_t', 'receipts_change_3d_pct', 'receipts_usual_t',
            'receipts_change_norm', 'percentile_since_listing_ratio',
            'percentile_since_first_nonzero_ratio', 'days_since_ltd', 'cycle_ratio', 'squeeze_ratio', 'squeeze_percentile_ratio', 'squeeze_dominant_ratio',
            'squeeze_dominant_percentile_ratio', 'cover_days', 'expiry_30d_ratio', 'expiry_60d_ratio', 'expiry_90d_ratio',
        ] %}
        concat_ws(
            ';',
            {%- for figure in figures %}
            '{{ figure }}:' || whole_reason{% if not loop.last %},{% endif %}
            {%- endfor %}
        ) as null_reason,
        available_at,
        source,
        data_origin,
        payload_sha256
    from unknown

)

select * from final
