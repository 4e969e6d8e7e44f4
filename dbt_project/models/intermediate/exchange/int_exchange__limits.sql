{{ config(materialized='view') }}

-- Price limits and margins in force during a day, of every contract; SHFE alone prints them in a file that is read.
with ine as (

    select * from {{ ref('stg_catalog__products') }}
    where exchange = 'INE'

),

final as (

    {{ all_exchanges(
        {'SHFE': ref('stg_shfe__price_limits')},
        'price_limits',
        ['trade_date', 'product_id', 'delivery_month_code', 'upper_limit_ratio', 'lower_limit_ratio', 'spec_long_margin_ratio']
    ) }}

)

select * from final
