with source as (

    select * from {{ source('raw', 'bars__prices') }}

),

renamed as (

    select
        provider,
        product_id,
        delivery_month_code,
        event_at,
        trade_date,
        session,
        bar_length,
        open_price,
        high_price,
        low_price,
        close_price,
        volume_lots,
        open_interest_lots,
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
