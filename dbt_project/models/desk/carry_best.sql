-- The pair of origin and delivery region that pays best, one row a contract and day; of several providers the best of the first by name.
with pairs as (

    select
        *,
        row_number() over (partition by commodity_code, trade_date, contract_code order by provider asc, net_cny_t desc, origin_region asc) as place
    from {{ ref('fct_carry_daily') }}
    where is_best_pair

),

final as (

    select
        commodity_code,
        trade_date,
        contract_code,
        contract_role,
        net_cny_t,
        net_ann_pct,
        carry_state,
        origin_region,
        warehouse_region,
        futures_cny_t,
        spot_cny_t,
        gross_cny_t,
        freight_cny_t,
        carry_cny_t,
        vat_adj_cny_t,
        break_even_premium_cny_t,
        constraint_reason,
        provider,
        null_reason,
        available_at,
        data_origin
    from pairs
    where place = 1

)

select * from final
