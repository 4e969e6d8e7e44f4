{# When the world could know a fact: the stated publication time, never before the clock window opens; without one, its end. #}
{% macro available_at(day, published_at, clock) -%}
    {#- Not coalesce(greatest(...), ...): greatest passes over a null, and the fact would be known before it was. #}
    case
        when {{ published_at }} is null then {{ shanghai_time(add_days(day, clock ~ '.day_offset'), clock ~ '.latest_minute') }}
        else greatest({{ published_at }}, {{ shanghai_time(add_days(day, clock ~ '.day_offset'), clock ~ '.earliest_minute') }})
    end
{%- endmacro %}

{# Order of the versions of one fact: by the payload's own time, then by when it was first in hand. #}
{% macro vintage(keys) -%}
    row_number() over (
        partition by {{ keys | join(', ') }}
        order by available_at, fetched_at, payload_sha256
    )
{%- endmacro %}

{% macro is_latest(keys) -%}
    (
        row_number() over (
            partition by {{ keys | join(', ') }}
            order by available_at desc, fetched_at desc, payload_sha256 desc
        ) = 1
    )
{%- endmacro %}

{# Change in per cent from one figure to another. #}
{% macro pct(later, earlier) -%}
    100.0 * ({{ later }} / nullif({{ earlier }}, 0.0) - 1.0)
{%- endmacro %}
