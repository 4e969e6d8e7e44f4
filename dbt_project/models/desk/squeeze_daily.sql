with answers as (

    select * from {{ ref('squeeze_answers') }}

),

final as (

    select
        commodity_code,
        trade_date,
        answer,
        answer_en,
        answer_zh,
        squeeze_state,
        squeeze_ratio,
        near_contract,
        near_sessions,
        near_open_interest_t,
        receipts_t,
        squeeze_percentile_ratio,
        squeeze_floor_ratio,
        off_warrant_t,
        squeeze_deliverable_ratio,
        delivered_contract,
        days_since_delivery,
        withdrawn_t,
        withdrawn_usual_t,
        {{ reason_of('null_reason', 'squeeze_ratio') }} as null_reason,
        null_reason as other_null_reason,
        decision_at,
        available_at,
        data_origin
    from answers

)

select * from final
