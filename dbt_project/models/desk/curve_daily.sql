-- The curve of liquid contracts, in the sign of spreads: above zero near costs more than far. The mart's slope has the other sign.
with structure as (

    select * from {{ ref('fct_term_structure_daily') }}

),

final as (

    select
        commodity_code,
        trade_date,
        shape,
        roll_yield_cny_t_month,
        -slope_pct_month as roll_yield_pct_month,
        -curve_slope_pct_month as curve_roll_yield_pct_month,
        days_same_sign,
        is_stable,
        pairs,
        nearest_contract,
        nearest_cny_t,
        dominant_contract,
        dominant_cny_t,
        sub_dominant_contract,
        sub_dominant_cny_t,
        farthest_contract,
        excluded_legs,
        {{ reason_of('null_reason', 'shape') }} as null_reason,
        null_reason as other_null_reason,
        available_at,
        data_origin
    from structure

)

select * from final
