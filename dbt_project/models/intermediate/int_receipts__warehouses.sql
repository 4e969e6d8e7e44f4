with levels as (

    {{ readings(ref('int_receipts__levels')) }}

),

regions as (

    select * from {{ ref('stg_catalog__regions') }}

),

final as (

    select
        levels.reading,
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
    where levels.row_level = 'detail'

)

select * from final
