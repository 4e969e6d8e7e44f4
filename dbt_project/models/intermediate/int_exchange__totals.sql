with shfe as (

    select * from {{ ref('stg_shfe__daily_totals') }}

),

gfex as (

    select * from {{ ref('stg_gfex__daily_totals') }}

),

final as (

    select
        'SHFE' as exchange,
        'shfe__daily_quotes' as dataset,
        trade_date,
        total_scope,
        product_id,
        volume_lots,
        open_interest_lots,
        turnover_10k_cny,
        source,
        data_origin,
        payload_sha256,
        fetched_at,
        published_at
    from shfe

    union all

    select
        'GFEX' as exchange,
        'gfex__daily_quotes' as dataset,
        trade_date,
        total_scope,
        product_id,
        volume_lots,
        open_interest_lots,
        turnover_10k_cny,
        source,
        data_origin,
        payload_sha256,
        fetched_at,
        published_at
    from gfex

)

select * from final
