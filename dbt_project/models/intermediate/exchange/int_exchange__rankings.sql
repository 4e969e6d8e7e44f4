{{ config(materialized='view') }}

-- Member ranking of all exchanges in one shape, as printed.
{%- set exchanges = {'SHFE': ref('stg_shfe__member_ranking'), 'CZCE': ref('stg_czce__member_ranking')} %}

with ine as (

    select * from {{ ref('stg_catalog__products') }}
    where exchange = 'INE'

),

final as (

    {%- for exchange, table in exchanges.items() %}
    select
        {{ exchange_of(exchange) }} as exchange,
        '{{ exchange | lower }}__member_ranking' as dataset,
        printed.trade_date,
        printed.instrument,
        printed.product_id,
        printed.delivery_month_code,
        printed.board,
        printed.row_kind,
        printed.rank,
        printed.participant_id,
        printed.participant,
        printed.position_lots,
        printed.position_change_lots,
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
