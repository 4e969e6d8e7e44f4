with source as (

    select * from {{ source('raw', 'shfe__trading_day') }}

),

renamed as (

    select
        trade_date,
        previous_trade_date,
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
