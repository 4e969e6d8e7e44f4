with source as (

    select * from {{ source('raw', 'catalog__policy_topics') }}

),

renamed as (

    select
        commodity_code,
        topic,
        relation,
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
