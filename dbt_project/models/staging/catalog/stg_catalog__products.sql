with source as (

    select * from {{ source('raw', 'catalog__products') }}

),

renamed as (

    select
        exchange,
        product_id,
        valid_from,
        contract_size_qty,
        quantity_unit,
        tick_price,
        sector,
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
