with source as (

    select * from {{ source('raw', 'catalog__rule_metrics') }}

),

renamed as (

    select
        metric,
        metric_name,
        metric_name_zh,
        unit,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
