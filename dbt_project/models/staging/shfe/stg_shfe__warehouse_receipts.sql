with source as (

    select * from {{ source('raw', 'shfe__warehouse_receipts') }}

),

renamed as (

    select
        trade_date,
        product_id,
        product_name,
        warehouse_type,
        region,
        warehouse,
        row_level,
        receipts_qty,
        receipts_change_qty,
        quantity_unit,
        payload_form,
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
