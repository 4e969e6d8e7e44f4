with source as (

    select * from {{ source('raw', 'catalog__rules') }}

),

renamed as (

    select
        rule_id,
        valid_from,
        rule_name,
        rule_name_zh,
        fingerprint,
        config_version,
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
