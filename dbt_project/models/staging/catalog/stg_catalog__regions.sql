with source as (

    select * from {{ source('raw', 'catalog__regions') }}

),

renamed as (

    select
        region,
        region_name_zh,
        region_name_en,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
