with source as (

    select * from {{ source('raw', 'catalog__customs_codes') }}

),

renamed as (

    select
        commodity_code,
        hs_code,
        role,
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
