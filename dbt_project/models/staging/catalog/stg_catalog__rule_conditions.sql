with source as (

    select * from {{ source('raw', 'catalog__rule_conditions') }}

),

renamed as (

    select
        rule_id,
        valid_from,
        line,
        alternative,
        metric,
        comparator,
        threshold,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
