with structure as (

    select * from {{ ref('int_term_structure__daily') }}
    where reading = 'latest'

),

final as (

    select
        commodity_code,
        trade_date,
        nearest_contract,
        nearest_cny_t,
        dominant_contract,
        dominant_cny_t,
        sub_dominant_contract,
        sub_dominant_cny_t,
        farthest_contract,
        pairs,
        shape,
        slope_pct_month,
        roll_yield_cny_t_month,
        curve_slope_pct_month,
        days_same_sign,
        is_stable,
        excluded_legs,
        null_reason,
        available_at,
        data_origin,
        payload_sha256
    from structure

)

select * from final
