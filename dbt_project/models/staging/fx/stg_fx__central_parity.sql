with source as (

    select * from {{ source('raw', 'fx__central_parity') }}

),

renamed as (

    select
        obs_date,
        currency_pair,
        rate,
        rate_unit,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
