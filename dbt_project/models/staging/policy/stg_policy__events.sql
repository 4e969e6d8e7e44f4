with source as (

    select * from {{ source('raw', 'policy__events') }}

),

renamed as (

    select
        event_id,
        event_date,
        date_precision,
        published_at,
        lang,
        theme,
        authority,
        event_type,
        sectors,
        n_industries,
        followup_of,
        summary,
        event_source,
        source_url,
        is_desk_override,
        extra,
        payload_sha256,
        source,
        fetched_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
