with source as (

    select * from {{ source('raw', 'shfe__settlement_parameters') }}

),

renamed as (

    select
        trade_date,
        instrument,
        product_id,
        delivery_month_code,
        settle_price,
        spec_long_margin_ratio,
        spec_short_margin_ratio,
        hedge_long_margin_ratio,
        hedge_short_margin_ratio,
        trade_fee_permille,
        trade_fee_cny_lot,
        hedge_trade_fee_permille,
        hedge_trade_fee_cny_lot,
        delivery_fee_permille,
        delivery_fee_cny,
        unidirect_code,
        unit_today_code,
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
