with source as (

    select * from {{ source('raw', 'catalog__series') }}

),

renamed as (

    select
        commodity_code,
        role,
        provider,
        series_id,
        region,
        model_id,
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
