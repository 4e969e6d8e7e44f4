with source as (

    select * from {{ source('raw', 'catalog__rule_effects') }}

),

renamed as (

    select
        rule_id,
        valid_from,
        effect_index,
        effect,
        horizon,
        effect_value,
        effect_text,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
