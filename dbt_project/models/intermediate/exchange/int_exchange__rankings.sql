{{ config(materialized='view') }}

-- Member ranking of all exchanges in one shape, as printed.
with ine as (

    select * from {{ ref('stg_catalog__products') }}
    where exchange = 'INE'

),

final as (

    {{ all_exchanges(
        {'SHFE': ref('stg_shfe__member_ranking'), 'CZCE': ref('stg_czce__member_ranking')},
        'member_ranking',
        [
            'trade_date', 'instrument', 'product_id', 'delivery_month_code', 'board', 'row_kind', 'rank',
            'participant_id', 'participant', 'position_lots', 'position_change_lots',
        ]
    ) }}

)

select * from final
