with source as (

    select * from {{ source('raw', 'catalog__weight_draws') }}

),

renamed as (

    select
        draw,
        component,
        factor,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
