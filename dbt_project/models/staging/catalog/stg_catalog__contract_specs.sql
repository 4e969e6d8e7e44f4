with source as (

    select * from {{ source('raw', 'catalog__contract_specs') }}

),

renamed as (

    select
        commodity_code,
        valid_from,
        contract_size_t,
        tick_cny_t,
        warrant_unit_t,
        last_trading_day_rule,
        last_trading_day_value,
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
