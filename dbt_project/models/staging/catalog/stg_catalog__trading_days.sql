with source as (

    select * from {{ source('raw', 'catalog__trading_days') }}

),

renamed as (

    select
        trade_date,
        session_index,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
