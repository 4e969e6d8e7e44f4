with spot as (

    select
        *,
        row_number() over (partition by commodity_code, trade_date order by provider, series_id) as place
    from {{ ref('fct_spot_daily') }}
    where region = 'national' and frequency = 'daily'

),

final as (

    select
        commodity_code,
        trade_date,
        spot_cny_t,
        spot_change_cny_t,
        spot_change_pct,
        region_up_share_ratio,
        region_spread_cny_t,
        is_tight,
        provider,
        case when spot_cny_t is null then 'no_price' end as null_reason,
        null_reason as other_null_reason,
        available_at,
        data_origin
    from spot
    where place = 1

)

select * from final
