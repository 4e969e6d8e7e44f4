with source as (

    select * from {{ source('raw', 'policy__tone') }}

),

renamed as (

    select
        event_date,
        flash_id,
        published_at,
        perspective,
        tone,
        positive_weight,
        negative_weight,
        hits,
        participant_roles,
        lexicon_version,
        payload_sha256,
        source,
        fetched_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
