{# A held print on the way through its series (`int_series__judged`), named `one`, with some of its values changed. #}
{% macro held_print(changed) -%}
    {%- set fields = {} -%}
    {%- for field in ['held_id', 'held_rule', 'day', 'place', 'unit', 'known_at', 'payload_sha256', 'day_before', 'value_before',
        'is_open', 'freed_at', 'freed_by'] -%}
        {%- do fields.update({field: changed.get(field, 'one.' ~ field)}) -%}
    {%- endfor -%}
    {{ record(fields) }}
{%- endmacro %}

{# A figure as text that two engines write alike, for its name; of a beyond-all-bounds one its digits do not matter. #}
{% macro figure_name(figure) -%}
    coalesce(case when abs({{ figure }}) < 1e15 then cast(cast({{ figure }} as decimal(24, 6)) as string) else cast({{ figure }} as string) end, '')
{%- endmacro %}

{# A figure as people read it, with more decimals where it is small. #}
{% macro figure_text(figure) -%}
    coalesce(case when {{ figure }} = 0.0 then '0' when abs({{ figure }}) >= 100.0 then {{ number_text(figure, 2) }} else {{ number_text(figure, 4) }} end, '-')
{%- endmacro %}
