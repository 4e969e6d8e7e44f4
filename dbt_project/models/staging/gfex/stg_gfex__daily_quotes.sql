with source as (

    select * from {{ source('raw', 'gfex__daily_quotes') }}

),

renamed as (

    select
        trade_date,
        product_id,
        product_name,
        delivery_month_code,
        open_price,
        high_price,
        low_price,
        close_price,
        settle_price,
        pre_settle_price,
        close_change,
        settle_change,
        volume_lots,
        open_interest_lots,
        open_interest_change_lots,
        turnover_10k_cny,
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
