with source as (

    select * from {{ source('raw', 'ingest__horizon') }}

),

renamed as (

    select
        as_of,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
