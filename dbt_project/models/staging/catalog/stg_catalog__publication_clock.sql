with source as (

    select * from {{ source('raw', 'catalog__publication_clock') }}

),

renamed as (

    select
        dataset,
        day_offset,
        earliest_minute,
        latest_minute,
        grace_minutes,
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
