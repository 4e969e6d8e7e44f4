with daily as (

    select * from {{ ref('int_basis__daily') }}
    where reading = 'latest'

),

final as (

    select
        commodity_code,
        trade_date,
        futures_leg,
        price_source,
        spot_leg,
        provider,
        region,
        contract_code,
        futures_cny_t,
        spot_cny_t,
        basis_cny_t,
        premium_cny_t,
        basis_rate_pct,
        premium_rate_pct,
        days_to_delivery_end,
        ann_carry_gross_pct,
        null_reason,
        available_at,
        data_origin,
        payload_sha256
    from daily

)

select * from final
