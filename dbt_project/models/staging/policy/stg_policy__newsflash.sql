with source as (

    select * from {{ source('raw', 'policy__newsflash') }}

),

renamed as (

    select
        event_date,
        flash_id,
        published_at,
        title,
        text_sha256,
        source_url,
        flash_tag,
        payload_sha256,
        source,
        fetched_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
