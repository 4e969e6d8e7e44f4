with daily as (

    select * from {{ ref('int_carry__daily') }}
    where reading = 'latest'

),

final as (

    select
        commodity_code,
        trade_date,
        contract_code,
        contract_role,
        provider,
        origin_region,
        warehouse_region,
        futures_cny_t,
        spot_cny_t,
        freight_cny_t,
        region_premium_cny_t,
        days_to_delivery_end,
        gross_cny_t,
        carry_cny_t,
        vat_adj_cny_t,
        net_cny_t,
        gross_ann_pct,
        net_ann_pct,
        carry_state,
        is_best_pair,
        break_even_premium_cny_t,
        reverse_net_cny_t,
        free_capacity_t,
        constraint_reason,
        null_reason,
        other_null_reason,
        available_at,
        data_origin,
        payload_sha256
    from daily

)

select * from final
