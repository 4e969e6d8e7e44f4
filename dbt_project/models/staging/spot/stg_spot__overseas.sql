with source as (

    select * from {{ source('raw', 'spot__overseas') }}

),

renamed as (

    select
        feed,
        provider,
        series_id,
        series_name,
        region,
        frequency,
        obs_date,
        low_value,
        high_value,
        value,
        change_value,
        unit,
        basis_note,
        published_at,
        is_time_estimated,
        extra,
        payload_sha256,
        source,
        fetched_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
