with source as (

    select * from {{ source('raw', 'catalog__release_days') }}

),

renamed as (

    select
        dataset,
        month,
        out_at,
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
