with flows as (

    select * from {{ ref('int_customs__flows') }}

),

final as (

    select
        commodity_code,
        role,
        hs_code,
        hs_scope,
        reporter,
        partner_scheme,
        flow,
        partner_code,
        partner_name,
        month,
        qty_t,
        value_usd,
        unit_value_usd_t,
        mom_pct,
        mom_null_reason,
        yoy_pct,
        yoy_basis,
        yoy_null_reason,
        ytd_t,
        net_import_t,
        partner_share_ratio,
        partner_share_ytd_ratio,
        null_reason,
        available_at,
        vintage,
        source,
        data_origin,
        payload_sha256
    from flows

)

select * from final
