-- The totals exchanges print beside their quotes, in one shape.
with ine as (

    select * from {{ ref('stg_catalog__products') }}
    where exchange = 'INE'

),

final as (

    {{ all_exchanges(
        {'SHFE': ref('stg_shfe__daily_totals'), 'GFEX': ref('stg_gfex__daily_totals'), 'CZCE': ref('stg_czce__daily_totals')},
        'daily_quotes',
        [
            'trade_date', 'total_scope', 'product_id', 'volume_lots', 'open_interest_lots', 'turnover_10k_cny',
        ]
    ) }}

)

select * from final
