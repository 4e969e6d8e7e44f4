with source as (

    select * from {{ source('raw', 'catalog__score_components') }}

),

renamed as (

    select
        commodity_code,
        component,
        valid_from,
        component_name,
        component_name_zh,
        block,
        signal,
        unit,
        weight,
        sign,
        method,
        anchor,
        maximum_age_sessions,
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
