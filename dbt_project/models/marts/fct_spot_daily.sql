with prices as (

    select * from {{ ref('int_spot__prices') }}
    where is_latest and role = 'spot'

),

final as (

    select
        commodity_code,
        trade_date,
        provider,
        region,
        series_id,
        frequency,
        value_cny_t as spot_cny_t,
        low_cny_t as spot_low_cny_t,
        high_cny_t as spot_high_cny_t,
        value_cny_t - lag(value_cny_t) over (
            partition by commodity_code, provider, series_id
            order by trade_date
        ) as spot_change_cny_t,
        available_at,
        source,
        data_origin,
        payload_sha256
    from prices

)

select * from final
