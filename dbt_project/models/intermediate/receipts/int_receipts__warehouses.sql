with levels as (

    {{ readings(ref('int_receipts__levels')) }}

),

regions as (

    select * from {{ ref('stg_catalog__regions') }}

),

places as (

    select
        levels.reading,
        levels.commodity_code,
        levels.trade_date,
        levels.warehouse_type,
        coalesce(regions.region, levels.region) as region,
        levels.warehouse,
        levels.receipts_t,
        levels.published_change_t,
        levels.whole_reason,
        levels.available_at,
        levels.source,
        levels.data_origin,
        levels.payload_sha256
    from levels
    left join regions on levels.region = regions.region_name_zh
    where levels.row_level = 'detail'

),

sums as (

    select
        *,
        -- A sum of which a part is not known is not known.
        case when whole_reason is null then sum(receipts_t) over (partition by reading, commodity_code, trade_date, region) end
            as region_receipts_t,
        case when whole_reason is null then sum(receipts_t) over (partition by reading, commodity_code, trade_date) end as total_receipts_t
    from places

),

final as (

    select
        reading,
        commodity_code,
        trade_date,
        warehouse_type,
        region,
        warehouse,
        receipts_t,
        published_change_t,
        region_receipts_t,
        case when region <> '' then region_receipts_t / nullif(total_receipts_t, 0.0) end as region_share_ratio,
        case
            when whole_reason is not null then whole_reason
            when region = '' then 'region_unstated'
            when total_receipts_t = 0.0 then 'zero_receipts'
        end as null_reason,
        whole_reason,
        available_at,
        source,
        data_origin,
        payload_sha256
    from sums

)

select * from final
