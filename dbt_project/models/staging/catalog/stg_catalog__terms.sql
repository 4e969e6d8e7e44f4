with source as (

    select * from {{ source('raw', 'catalog__terms') }}

),

renamed as (

    select
        commodity_code,
        term,
        scope,
        valid_from,
        term_value,
        unit,
        label,
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
