{# The rows of some identities under their names: what a figure ought to be, and what it is. Relations of (check, relation, message). #}
{% macro identities(checks) -%}
    {%- for check_id, relation, message in checks %}
    select
        '{{ check_id }}' as check_id,
        table_name,
        '{{ message }}' as message,
        trade_date,
        subject,
        expected_value,
        found_value,
        available_at,
        payload_sha256
    from {{ relation }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}
{%- endmacro %}
