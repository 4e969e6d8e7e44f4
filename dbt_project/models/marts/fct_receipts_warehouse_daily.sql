with levels as (

    select * from {{ ref('int_receipts__levels') }}
    where is_latest and row_level = 'detail'

),

regions as (

    select * from {{ ref('stg_catalog__regions') }}

),

final as (

    select
        levels.commodity_code,
        levels.trade_date,
        levels.warehouse_type,
        coalesce(regions.region, levels.region) as region,
        levels.warehouse,
        levels.receipts_t,
        levels.published_change_t,
        levels.available_at,
        levels.source,
        levels.data_origin,
        levels.payload_sha256
    from levels
    left join regions on levels.region = regions.region_name_zh

)

select * from final
