with daily as (

    select * from {{ ref('int_spot__daily') }}
    where reading = 'latest'

),

final as (

    select
        commodity_code,
        trade_date,
        provider,
        region,
        series_id,
        frequency,
        spot_cny_t,
        spot_low_cny_t,
        spot_high_cny_t,
        spot_mid_cny_t,
        spot_change_cny_t,
        spot_change_pct,
        is_accelerating,
        region_up_share_ratio,
        spread_to_national_cny_t,
        region_spread_cny_t,
        is_tight,
        null_reason,
        available_at,
        source,
        data_origin,
        payload_sha256
    from daily

)

select * from final
