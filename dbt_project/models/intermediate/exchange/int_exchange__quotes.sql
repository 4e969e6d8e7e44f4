-- All exchanges in one shape, as printed and in their own units; an exchange's name is the prefix of its datasets.
{%- set exchanges = {
    'SHFE': ref('stg_shfe__daily_quotes'), 'GFEX': ref('stg_gfex__daily_quotes'), 'CZCE': ref('stg_czce__daily_quotes'),
} %}

with ine as (

    select * from {{ ref('stg_catalog__products') }}
    where exchange = 'INE'

),

final as (

    {%- for exchange, table in exchanges.items() %}
    select
        {{ exchange_of(exchange) }} as exchange,
        '{{ exchange | lower }}__daily_quotes' as dataset,
        printed.trade_date,
        printed.product_id,
        printed.delivery_month_code,
        printed.open_price,
        printed.high_price,
        printed.low_price,
        printed.close_price,
        printed.settle_price,
        printed.pre_settle_price,
        printed.close_change,
        printed.settle_change,
        printed.volume_lots,
        printed.open_interest_lots,
        printed.open_interest_change_lots,
        printed.turnover_10k_cny,
        printed.source,
        printed.data_origin,
        printed.payload_sha256,
        printed.fetched_at,
        printed.published_at
    from {{ table }} as printed
    left join ine on printed.product_id = ine.product_id
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

)

select * from final
