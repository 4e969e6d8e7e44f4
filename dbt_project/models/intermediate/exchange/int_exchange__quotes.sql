-- All exchanges in one shape, as printed and in their own units; an exchange's name is the prefix of its datasets.
with ine as (

    select * from {{ ref('stg_catalog__products') }}
    where exchange = 'INE'

),

final as (

    {{ all_exchanges(
        {'SHFE': ref('stg_shfe__daily_quotes'), 'GFEX': ref('stg_gfex__daily_quotes'), 'CZCE': ref('stg_czce__daily_quotes')},
        'daily_quotes',
        [
            'trade_date', 'product_id', 'delivery_month_code', 'open_price', 'high_price', 'low_price', 'close_price',
            'settle_price', 'pre_settle_price', 'close_change', 'settle_change', 'volume_lots', 'open_interest_lots',
            'open_interest_change_lots', 'turnover_10k_cny',
        ]
    ) }}

)

select * from final
