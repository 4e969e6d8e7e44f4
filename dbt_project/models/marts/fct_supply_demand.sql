with balance as (

    select * from {{ ref('int_balance__periods') }}

),

final as (

    select
        commodity_code,
        frequency,
        period_end,
        provider,
        demand_basis,
        model_id,
        production_kt_a,
        production_date,
        demand_kt_a,
        demand_date,
        non_metallurgical_kt_a,
        surplus_kt_a,
        surplus_pct,
        net_import_kt_a,
        trade_month,
        surplus_after_trade_kt_a,
        surplus_after_trade_pct,
        surplus_kt,
        demand_cap_kt_a,
        null_reason,
        -- What is asked at a decision cannot be known before it, however old the figures are.
        greatest(available_at, decision_at) as available_at,
        data_origin,
        payload_sha256
    from balance

)

select * from final
