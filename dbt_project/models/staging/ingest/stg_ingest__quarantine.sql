with source as (

    select * from {{ source('raw', 'ingest__quarantine') }}

),

renamed as (

    select
        table_name,
        request_name,
        reason,
        message,
        row_json,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
