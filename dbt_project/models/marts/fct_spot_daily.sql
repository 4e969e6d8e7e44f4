with prices as (

    select * from {{ ref('int_series__values') }}
    where is_latest and role = 'spot' and unit = 'CNY/t'

),

final as (

    select
        commodity_code,
        obs_date as trade_date,
        provider,
        region,
        series_id,
        frequency,
        value as spot_cny_t,
        low_value as spot_low_cny_t,
        high_value as spot_high_cny_t,
        value - lag(value) over (
            partition by commodity_code, provider, series_id
            order by obs_date
        ) as spot_change_cny_t,
        available_at,
        source,
        data_origin,
        payload_sha256
    from prices

)

select * from final
