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

{# Whether two figures of an identity differ: half a unit of the last printed digit, figures are printed to 0.001 at the finest. #}
{% macro breaks(expected, found) -%}
    abs({{ expected }} - {{ found }}) > 0.0005
{%- endmacro %}

{#
Rows of a payload that were refused, by the whole they are a part of: its key is what the refused row says beside its cells, null where it
says nothing. `is_part` names what tells a part from a printed sum, and what it is then; a row that does not say counts as a part. A row
that was corrected is in the lake.
#}
{% macro lost_parts(tables, keys, is_part={}) -%}
    select
        payload_sha256,
        {%- for key in keys %}
        {{ json_text('row_json', key) }} as {{ key }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ ref('stg_ingest__quarantine') }}
    where
        table_name in ('{{ tables | join("', '") }}')
        and reason not in ('corrected', 'stale_correction')
        {%- for column, value in is_part.items() %}
        and coalesce({{ json_text('row_json', column) }}, '{{ value }}') = '{{ value }}'
        {%- endfor %}
{%- endmacro %}
