with margins as (

    select * from {{ ref('fct_margin_daily') }}

),

final as (

    select
        commodity_code,
        trade_date,
        provider,
        model_id,
        region,
        frequency,
        profit_cny_t,
        margin_pct,
        spot_cny_t,
        cost_full_cny_t,
        cost_cash_cny_t,
        profit_printed_cny_t,
        profit_futures_cny_t,
        margin_futures_pct,
        spot_date,
        cost_date,
        null_reason,
        other_null_reason,
        available_at,
        data_origin
    from margins

)

select * from final
