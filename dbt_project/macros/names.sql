{# Schemas are named for what they hold, without the target's prefix. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name if custom_schema_name else target.schema }}
{%- endmacro %}

{# Exchanges whose products stand in the files of SHFE: its own, and those of INE, its subsidiary. #}
{% macro exchanges_of_shfe() -%}('SHFE', 'INE'){%- endmacro %}

{# The exchange of a row `printed` of an exchange's file: whose file it is, but for the products of INE, which stand in SHFE's (relation `ine`). #}
{% macro exchange_of(exchange) -%}
    coalesce(case when '{{ exchange }}' = 'SHFE' then ine.exchange end, '{{ exchange }}')
{%- endmacro %}

{#
One kind of file of several exchanges in one shape, as printed. `tables` gives the staging model by exchange, `dataset` is the part of the
dataset's name after the exchange; the CTE `ine` holds the products of INE.
#}
{% macro all_exchanges(tables, dataset, columns) -%}
    {%- for exchange, table in tables.items() %}
    {%- if not loop.first %}

    union all

    {% endif -%}
    select
        {{ exchange_of(exchange) }} as exchange,
        '{{ exchange | lower }}__{{ dataset }}' as dataset,
        {%- for column in columns + ['source', 'data_origin', 'payload_sha256', 'fetched_at', 'published_at'] %}
        printed.{{ column }}{{ '' if loop.last else ',' }}
        {%- endfor %}
    from {{ table }} as printed
    left join ine on printed.product_id = ine.product_id
    {%- endfor %}
{%- endmacro %}
