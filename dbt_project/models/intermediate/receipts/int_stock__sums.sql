{{ config(materialized='view') }}

-- Sums as a weekly stock report prints them, figure by figure, beside those of its own detail rows.
{%- set figures = ['deliverable_qty', 'on_warrant_qty', 'capacity_free_qty'] %}

with stock as (

    select * from {{ ref('stg_shfe__weekly_stock') }}

),

final as (

    {%- for figure in figures %}
    select
        '{{ figure }}' as figure,
        sums.trade_date,
        sums.product_id,
        sums.product_name,
        sums.warehouse_type,
        sums.region,
        sums.warehouse,
        sums.{{ figure }} as printed_qty,
        sum(details.{{ figure }}) as found_qty,
        sums.payload_sha256,
        min(sums.fetched_at) as fetched_at,
        min(sums.published_at) as published_at
    from stock as sums
    inner join stock as details
        on
            {{ is_summed('sums', 'details') }}
    group by
        sums.trade_date, sums.product_id, sums.product_name, sums.warehouse_type, sums.region, sums.warehouse,
        sums.{{ figure }}, sums.payload_sha256
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

)

select * from final
