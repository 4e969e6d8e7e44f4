-- The totals exchanges print beside their quotes, in one shape.
{%- set exchanges = {
    'SHFE': ref('stg_shfe__daily_totals'), 'GFEX': ref('stg_gfex__daily_totals'), 'CZCE': ref('stg_czce__daily_totals'),
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
        printed.total_scope,
        printed.product_id,
        printed.volume_lots,
        printed.open_interest_lots,
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
