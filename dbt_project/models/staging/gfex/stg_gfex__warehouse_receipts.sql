with source as (

    select * from {{ source('raw', 'gfex__warehouse_receipts') }}

),

renamed as (

    select
        trade_date,
        product_id,
        product_name,
        warehouse_id,
        warehouse,
        warehouse_type_code,
        trademark,
        row_level,
        receipts_qty,
        receipts_change_qty,
        previous_receipts_qty,
        quantity_unit,
        extra,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
