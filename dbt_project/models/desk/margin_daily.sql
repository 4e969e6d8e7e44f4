-- The cost model the outlook reads: daily, national, with a full cost; of several the first by provider and name.
with margins as (

    select
        *,
        row_number() over (partition by commodity_code, trade_date order by provider, model_id) as place
    from {{ ref('fct_margin_daily') }}
    where region = 'national' and frequency = 'daily' and model_id <> 'public' and cost_full_cny_t is not null

),

final as (

    select
        commodity_code,
        trade_date,
        profit_cny_t,
        margin_pct,
        spot_cny_t,
        cost_full_cny_t,
        cost_cash_cny_t,
        profit_futures_cny_t,
        margin_futures_pct,
        provider,
        model_id,
        spot_date,
        cost_date,
        null_reason,
        other_null_reason,
        available_at,
        data_origin
    from margins
    where place = 1

)

select * from final
