-- The four vendor tables share one form; each keeps its name as the dataset its publication clock is kept under.
{%- set tables = {
    'spot__quotes': ref('stg_spot__quotes'), 'spot__overseas': ref('stg_spot__overseas'),
    'cost__series': ref('stg_cost__series'), 'capacity__series': ref('stg_capacity__series'),
} %}

with final as (

    {%- for dataset, table in tables.items() %}
    select
        '{{ dataset }}' as dataset,
        feed,
        provider,
        series_id,
        series_name,
        frequency,
        obs_date,
        low_value,
        high_value,
        value,
        change_value,
        unit,
        published_at,
        payload_sha256,
        source,
        fetched_at,
        data_origin
    from {{ table }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

)

select * from final
