with shfe as (

    select * from {{ ref('stg_shfe__daily_quotes') }}

),

gfex as (

    select * from {{ ref('stg_gfex__daily_quotes') }}

),

final as (

    select
        'SHFE' as exchange,
        'shfe__daily_quotes' as dataset,
        trade_date,
        product_id,
        delivery_month_code,
        open_price,
        high_price,
        low_price,
        close_price,
        settle_price,
        pre_settle_price,
        close_change,
        settle_change,
        volume_lots,
        open_interest_lots,
        open_interest_change_lots,
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
        product_id,
        delivery_month_code,
        open_price,
        high_price,
        low_price,
        close_price,
        settle_price,
        pre_settle_price,
        close_change,
        settle_change,
        volume_lots,
        open_interest_lots,
        open_interest_change_lots,
        turnover_10k_cny,
        source,
        data_origin,
        payload_sha256,
        fetched_at,
        published_at
    from gfex

)

select * from final
