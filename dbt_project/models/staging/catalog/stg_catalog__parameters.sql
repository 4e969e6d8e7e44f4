with source as (

    select * from {{ source('raw', 'catalog__parameters') }}

),

renamed as (

    select
        commodity_code,
        parameter,
        parameter_value,
        unit,
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
