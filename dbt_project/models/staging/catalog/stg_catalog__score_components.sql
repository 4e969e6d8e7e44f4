with source as (

    select * from {{ source('raw', 'catalog__score_components') }}

),

renamed as (

    select
        component,
        block,
        component_name,
        signal,
        weight,
        sign,
        block_cap,
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
