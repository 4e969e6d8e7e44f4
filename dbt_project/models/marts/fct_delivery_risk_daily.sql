with risk as (

    select * from {{ ref('int_delivery__risk') }}

),

final as (

    select
        commodity_code,
        trade_date,
        decision_at,
        receipts_t,
        receipts_change_t,
        receipts_change_norm,
        is_inflow,
        is_low,
        stock_date,
        on_warrant_t,
        off_warrant_t,
        deliverable_t,
        capacity_free_t,
        expiring_30d_t,
        expiring_60d_t,
        expiring_90d_t,
        delivered_contract,
        days_since_ltd,
        days_since_delivery,
        delivered_t,
        withdrawn_t,
        withdrawn_usual_t,
        near_contract,
        near_sessions,
        near_open_interest_t,
        next_contract,
        next_sessions,
        next_open_interest_t,
        squeeze_ratio,
        squeeze_percentile_ratio,
        squeeze_cycles,
        squeeze_floor_ratio,
        squeeze_state,
        squeeze_state_reason,
        squeeze_deliverable_ratio,
        delivery_demand_t_day,
        cover_days,
        null_reason,
        available_at,
        data_origin,
        payload_sha256
    from risk

)

select * from final
