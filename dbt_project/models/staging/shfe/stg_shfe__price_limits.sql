with source as (

    select * from {{ source('raw', 'shfe__price_limits') }}

),

renamed as (

    select
        trade_date,
        instrument,
        product_id,
        delivery_month_code,
        upper_limit_ratio,
        lower_limit_ratio,
        spec_long_margin_ratio,
        spec_short_margin_ratio,
        hedge_long_margin_ratio,
        hedge_short_margin_ratio,
        extra,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
