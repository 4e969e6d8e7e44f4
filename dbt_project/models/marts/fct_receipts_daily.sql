-- Days whose total is known, and the others with why not: those have no row in int_receipts__daily, so their figures are null.
with totals as (

    select * from {{ ref('int_receipts__totals') }}
    where reading = 'latest'

),

daily as (

    select * from {{ ref('int_receipts__daily') }}
    where reading = 'latest'

),

final as (

    select
        totals.commodity_code,
        totals.trade_date,
        daily.receipts_t,
        daily.receipts_change_t,
        daily.published_change_t,
        daily.receipts_change_3d_pct,
        daily.receipts_usual_t,
        daily.receipts_change_norm,
        daily.is_inflow,
        daily.warrants,
        daily.is_warrant_multiple,
        daily.warehouse_count,
        daily.percentile_since_listing_ratio,
        daily.percentile_since_first_nonzero_ratio,
        daily.is_low,
        daily.delivered_contract,
        daily.days_since_ltd,
        daily.days_since_delivery,
        daily.cycle_ratio,
        daily.squeeze_contract,
        daily.squeeze_sessions,
        daily.squeeze_ratio,
        daily.squeeze_percentile_ratio,
        daily.squeeze_cycles,
        daily.squeeze_floor_ratio,
        daily.squeeze_state,
        daily.squeeze_state_reason,
        daily.squeeze_dominant_ratio,
        daily.squeeze_dominant_percentile_ratio,
        daily.has_delivery_concern,
        daily.delivery_demand_t_day,
        daily.cover_days,
        daily.expiry_30d_ratio,
        daily.expiry_60d_ratio,
        daily.expiry_90d_ratio,
        {%- set figures = [
            'receipts_t', 'warehouse_count', 'published_change_t', 'receipts_change_t', 'receipts_change_3d_pct', 'receipts_usual_t',
            'receipts_change_norm', 'percentile_since_listing_ratio',
            'percentile_since_first_nonzero_ratio', 'days_since_ltd', 'cycle_ratio', 'squeeze_ratio', 'squeeze_percentile_ratio', 'squeeze_dominant_ratio',
            'squeeze_dominant_percentile_ratio', 'cover_days', 'expiry_30d_ratio', 'expiry_60d_ratio', 'expiry_90d_ratio',
        ] %}
        case
            when daily.trade_date is not null then daily.null_reason
            else concat_ws(
                ';',
                {%- for figure in figures %}
                '{{ figure }}:' || totals.whole_reason{% if not loop.last %},{% endif %}
                {%- endfor %}
            )
        end as null_reason,
        coalesce(daily.available_at, totals.available_at) as available_at,
        coalesce(daily.source, totals.source) as source,
        coalesce(daily.data_origin, totals.data_origin) as data_origin,
        coalesce(daily.payload_sha256, totals.payload_sha256) as payload_sha256
    from totals
    left join daily
        on
            totals.commodity_code = daily.commodity_code
            and totals.trade_date = daily.trade_date
    where daily.trade_date is not null or totals.whole_reason is not null

)

select * from final
