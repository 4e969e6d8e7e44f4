with margins as (

    select * from {{ ref('int_margins__daily') }}

),

final as (

    select
        commodity_code,
        trade_date,
        provider,
        model_id,
        region,
        frequency,
        spot_cny_t,
        spot_date,
        cost_full_cny_t,
        cost_low_cny_t,
        cost_high_cny_t,
        cost_cash_cny_t,
        cost_date,
        profit_cny_t,
        margin_pct,
        profit_printed_cny_t,
        profit_date,
        profit_futures_cny_t,
        profit_futures_low_cny_t,
        profit_futures_high_cny_t,
        margin_futures_pct,
        d_cost20_pct,
        bauxite_chg20_pct,
        is_bauxite_stable,
        is_cost_pressure_limited,
        underwater_share_ratio,
        underwater_regions_ratio,
        underwater_null_reason,
        ore_cost_cny_t,
        caustic_cost_cny_t,
        energy_cost_cny_t,
        other_cost_cny_t,
        null_reason,
        other_null_reason,
        available_at,
        data_origin,
        payload_sha256
    from margins

)

select * from final
