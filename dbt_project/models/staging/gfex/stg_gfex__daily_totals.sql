with source as (

    select * from {{ source('raw', 'gfex__daily_totals') }}

),

renamed as (

    select
        trade_date,
        total_scope,
        product_id,
        volume_lots,
        open_interest_lots,
        open_interest_change_lots,
        turnover_10k_cny,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
