{#
A table or view takes the place of the one before it in one transaction. dbt-duckdb's own way (build under another name, rename the old one
away, rename the new one, drop the old one) says as much with five statements and a third of a build's processor time outside the models.
A model that fails leaves the table before it. Grants, indexes and other languages than SQL are not for this warehouse.
#}
{% materialization table, adapter='duckdb' %}
    {{ return(replaced('table', get_create_table_as_sql(False, this.incorporate(type='table'), sql))) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {{ return(replaced('view', get_create_view_as_sql(this.incorporate(type='view'), sql))) }}
{% endmaterialization %}

{% macro replaced(kind, creation) -%}
    {%- set before = load_cached_relation(this) -%}
    {%- set relation = this.incorporate(type=kind) -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        {%- if before is not none %}
        drop {{ before.type }} {{ before }};
        {%- endif %}
        {{ creation }}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(relation, model) %}
    {{ adapter.commit() }}
    {{ return({'relations': [relation]}) }}
{%- endmacro %}
