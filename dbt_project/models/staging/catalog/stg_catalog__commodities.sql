with source as (

    select * from {{ source('raw', 'catalog__commodities') }}

),

renamed as (

    select
        commodity_code,
        name_en,
        name_zh,
        exchange,
        product_id,
        listing_date,
        source_note,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
