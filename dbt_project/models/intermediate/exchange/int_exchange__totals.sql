-- The totals exchanges print beside their quotes, in one shape.
{%- set exchanges = {'SHFE': ref('stg_shfe__daily_totals'), 'GFEX': ref('stg_gfex__daily_totals')} %}

with final as (

    {%- for exchange, table in exchanges.items() %}
    select
        '{{ exchange }}' as exchange,
        '{{ exchange | lower }}__daily_quotes' as dataset,
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
    from {{ table }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

)

select * from final
