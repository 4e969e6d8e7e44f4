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

{# Whether a detail row is one of those a printed sum is of: both of one payload, product and kind of table, the sum of a region or of the product. #}
{% macro is_summed(sums, details) -%}
    {{ sums }}.payload_sha256 = {{ details }}.payload_sha256
            and {{ sums }}.trade_date = {{ details }}.trade_date
            and {{ sums }}.product_id = {{ details }}.product_id
            and {{ sums }}.warehouse_type = {{ details }}.warehouse_type
            and {{ details }}.row_level = 'detail'
            and (
                -- A factory with goods in several regions has a sum of its own, with its name in the region's place.
                ({{ sums }}.row_level = 'region_total' and {{ sums }}.region in ('', {{ details }}.region, {{ details }}.warehouse))
                -- 保税商品总计 and 完税商品总计 are parts of 总计; where the exchange prints one sum only, it has no such name.
                or ({{ sums }}.row_level = 'product_total' and {{ sums }}.warehouse in ('总计', ''))
            )
{%- endmacro %}

{#
The refused rows of some tables as two relations: `of_any`, payloads with a row of which nobody can tell the whole, which may be any; and
`name`, the wholes of which a part was refused. `known` are the keys that tell a whole, all of them unless said.
#}
{% macro refused_parts(name, tables, keys, is_part={}, known=none) -%}
{%- set told = known or keys -%}
refused as (

    {{ lost_parts(tables, keys, is_part) }}

),

of_any as (

    select distinct payload_sha256 from refused
    where {{ told | join(' is null or ') }} is null

),

{{ name }} as (

    select distinct
        payload_sha256,
        {{ keys | join(', ') }}
    from refused
    where {{ told | join(' is not null and ') }} is not null

)
{%- endmacro %}
