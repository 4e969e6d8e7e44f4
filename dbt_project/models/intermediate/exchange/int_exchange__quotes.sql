-- All exchanges in one shape, as printed and in their own units; an exchange's name is the prefix of its datasets.
{%- set exchanges = {'SHFE': ref('stg_shfe__daily_quotes'), 'GFEX': ref('stg_gfex__daily_quotes')} %}

with final as (

    {%- for exchange, table in exchanges.items() %}
    select
        '{{ exchange }}' as exchange,
        '{{ exchange | lower }}__daily_quotes' as dataset,
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
    from {{ table }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

)

select * from final
