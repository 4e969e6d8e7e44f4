{#
dbt-spark's ways, and the key of `meta.key` checked as on DuckDB (`replaced.sql`). Spark has no transactions: a model that breaks its key fails
and nothing is built on it, but its rows are there until the next build.
#}
{% materialization table, adapter='spark' %}
    {%- set before = load_cached_relation(this) -%}
    {%- set relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- if before is not none %}{% do adapter.drop_relation(before) %}{% endif -%}
    {% call statement('main') -%}{{ create_table_as(False, relation, sql) }}{%- endcall %}
    {{ key_holds_on_spark(relation) }}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

{% materialization view, adapter='spark' %}
    {%- set before = load_cached_relation(this) -%}
    {%- set relation = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks) }}
    {%- if before is not none and before.type != 'view' %}{% do adapter.drop_relation(before) %}{% endif -%}
    {% call statement('main') -%}{{ create_view_as(relation, sql) }}{%- endcall %}
    {{ key_holds_on_spark(relation) }}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

{% macro key_holds_on_spark(relation) -%}
    {%- set key = model.config.meta.key -%}
    {%- if key %}
        {% call statement('key', fetch_result=True) -%}
            select count(*) as broken, min(value) as example
            from (
                select to_json(struct({{ key | join(', ') }})) as value
                from {{ relation }}
                group by {{ key | join(', ') }}
                having count(*) > 1{% for column in key %} or {{ column }} is null{% endfor %}
            )
        {%- endcall %}
        {%- set broken, example = load_result('key')['data'][0] -%}
        {%- if broken %}
            {% do exceptions.raise_compiler_error(
                'the key (' ~ key | join(', ') ~ ') of ' ~ relation ~ ' is null or names several rows for ' ~ broken ~ ' of its values, such as ' ~ example
            ) %}
        {%- endif %}
    {%- endif %}
{%- endmacro %}
