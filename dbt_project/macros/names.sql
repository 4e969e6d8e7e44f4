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
