with source as (

    select * from {{ source('raw', 'ingest__receipts') }}

),

renamed as (

    select
        attempted_at,
        run_id,
        source,
        feed,
        request_key,
        request_name,
        outcome,
        reason,
        message,
        is_failure,
        http_status,
        payload_bytes,
        payload_sha256,
        data_origin,
        fetched_at,
        published_at,
        parser_version
    from source

)

select * from renamed
