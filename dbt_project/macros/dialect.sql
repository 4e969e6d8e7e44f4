{# Everything that differs between SQL dialects, and nothing else. Each macro has a default for ANSI engines or Spark. #}

{# The value of `value` on the row where `by` is greatest. #}
{% macro arg_max(value, by) %}{{ return(adapter.dispatch('arg_max', 'alumina')(value, by)) }}{% endmacro %}
{% macro duckdb__arg_max(value, by) %}arg_max({{ value }}, {{ by }}){% endmacro %}
{% macro default__arg_max(value, by) %}max_by({{ value }}, {{ by }}){% endmacro %}

{# A point in time: minutes after midnight of a day in Shanghai. #}
{% macro shanghai_time(day, minutes) %}{{ return(adapter.dispatch('shanghai_time', 'alumina')(day, minutes)) }}{% endmacro %}
{% macro duckdb__shanghai_time(day, minutes) -%}
    timezone('Asia/Shanghai', cast({{ day }} as timestamp) + to_minutes(cast({{ minutes }} as bigint)))
{%- endmacro %}
{% macro default__shanghai_time(day, minutes) -%}
    {#- Counted in seconds: a cast of a day would take midnight of the session's zone. Shanghai has been eight hours ahead all year since 1992. #}
    timestamp_seconds((cast(unix_date({{ day }}) as bigint) * 1440 + {{ minutes }} - 480) * 60)
{%- endmacro %}

{# A value as a point in time, whatever the zone of the session. #}
{% macro as_moment(value) %}{{ return(adapter.dispatch('as_moment', 'alumina')(value)) }}{% endmacro %}
{% macro duckdb__as_moment(value) %}cast({{ value }} as timestamp with time zone){% endmacro %}
{% macro default__as_moment(value) %}cast({{ value }} as timestamp){% endmacro %}

{# No point in time, of that type. #}
{% macro no_moment() %}{{ as_moment('null') }}{% endmacro %}

{# The day in Shanghai of a point in time. #}
{% macro shanghai_date(moment) %}{{ return(adapter.dispatch('shanghai_date', 'alumina')(moment)) }}{% endmacro %}
{% macro duckdb__shanghai_date(moment) %}cast(timezone('Asia/Shanghai', {{ moment }}) as date){% endmacro %}
{% macro default__shanghai_date(moment) -%}
    date_add(date '1970-01-01', cast(floor((unix_seconds({{ moment }}) + 28800) / 86400) as int))
{%- endmacro %}

{# First day of a delivery month printed as YYMM. #}
{% macro delivery_month(code) %}{{ return(adapter.dispatch('delivery_month', 'alumina')(code)) }}{% endmacro %}
{% macro duckdb__delivery_month(code) -%}
    make_date(2000 + cast(substr({{ code }}, 1, 2) as integer), cast(substr({{ code }}, 3, 2) as integer), 1)
{%- endmacro %}
{% macro default__delivery_month(code) -%}
    make_date(2000 + cast(substr({{ code }}, 1, 2) as int), cast(substr({{ code }}, 3, 2) as int), 1)
{%- endmacro %}

{# A day some days after another. #}
{% macro add_days(day, days) %}{{ return(adapter.dispatch('add_days', 'alumina')(day, days)) }}{% endmacro %}
{% macro duckdb__add_days(day, days) %}cast({{ day }} + to_days(cast({{ days }} as integer)) as date){% endmacro %}
{% macro default__add_days(day, days) %}date_add({{ day }}, cast({{ days }} as int)){% endmacro %}

{# The same day some months after another, which is the first of a month. #}
{% macro add_months(day, months) %}{{ return(adapter.dispatch('add_months', 'alumina')(day, months)) }}{% endmacro %}
{% macro duckdb__add_months(day, months) %}cast({{ day }} + to_months(cast({{ months }} as integer)) as date){% endmacro %}
{% macro default__add_months(day, months) %}add_months({{ day }}, cast({{ months }} as int)){% endmacro %}

{# How many days the year of a day has. #}
{% macro days_in_year(day) %}{{ return(adapter.dispatch('days_in_year', 'alumina')(day)) }}{% endmacro %}
{% macro duckdb__days_in_year(day) %}dayofyear(make_date(cast(extract(year from {{ day }}) as integer), 12, 31)){% endmacro %}
{% macro default__days_in_year(day) %}dayofyear(make_date(cast(extract(year from {{ day }}) as int), 12, 31)){% endmacro %}

{# A cell of a row kept as a JSON object, as text; null where it has none. #}
{% macro json_text(document, name) %}{{ return(adapter.dispatch('json_text', 'alumina')(document, name)) }}{% endmacro %}
{% macro duckdb__json_text(document, name) %}json_extract_string({{ document }}, '$."{{ name }}"'){% endmacro %}
{% macro default__json_text(document, name) %}get_json_object({{ document }}, '$.{{ name }}'){% endmacro %}

{# Whether two values differ, where a missing one differs from any other and from no other missing one. #}
{% macro differs(one, other) %}{{ return(adapter.dispatch('differs', 'alumina')(one, other)) }}{% endmacro %}
{% macro duckdb__differs(one, other) %}{{ one }} is distinct from {{ other }}{% endmacro %}
{% macro default__differs(one, other) %}not {{ one }} <=> {{ other }}{% endmacro %}

{# Texts of a group in one, joined by `;`, in the order given. #}
{% macro joined(text, order) %}{{ return(adapter.dispatch('joined', 'alumina')(text, order)) }}{% endmacro %}
{% macro duckdb__joined(text, order) %}string_agg({{ text }}, ';' order by {{ order }}){% endmacro %}
{% macro default__joined(text, order) %}listagg({{ text }}, ';') within group (order by {{ order }}){% endmacro %}

{#
A double as text, as DuckDB writes it: the fewest digits that tell it from others, an exponent below 1e-4. Hashes are made of it. Of figures
below 1e15; Spark would write an exponent from 1e7 on, and another one.
#}
{% macro double_text(value) %}{{ return(adapter.dispatch('double_text', 'alumina')(value)) }}{% endmacro %}
{% macro duckdb__double_text(value) %}cast({{ value }} as string){% endmacro %}
{% macro default__double_text(value) -%}
    case
        when {{ value }} = 0.0 then '0.0'
        when abs({{ value }}) < 0.0001
            then regexp_replace(replace(lower(cast({{ value }} as string)), '.0e', 'e'), 'e-([0-9])$', 'e-0$1')
        else regexp_replace(regexp_replace(cast(cast(cast({{ value }} as string) as decimal(38, 20)) as string), '0+$', ''), '[.]$', '.0')
    end
{%- endmacro %}

{# A number as people read it: thousands separated, fixed decimals, a sign before it where the direction matters, minus as a true one. Null stays null. #}
{% macro number_text(number, decimals, signed=false) %}{{ return(adapter.dispatch('number_text', 'alumina')(number, decimals, signed)) }}{% endmacro %}
{% macro duckdb__number_text(number, decimals, signed) -%}
    {%- if signed %}case when {{ number }} >= 0 then '+' else '−' end || format('{:,.{{ decimals }}f}', abs({{ number }}))
    {%- else %}format('{:,.{{ decimals }}f}', {{ number }})
    {%- endif %}
{%- endmacro %}
{% macro default__number_text(number, decimals, signed) -%}
    {%- if signed %}case when {{ number }} >= 0 then '+' else '−' end || format_number(abs({{ number }}), {{ decimals }})
    {%- else %}format_number({{ number }}, {{ decimals }})
    {%- endif %}
{%- endmacro %}

{# Share of the values of a group so far, the row's own included, that are not above the row's own: a percentile without a look ahead. #}
{% macro share_at_most(value, group, order) %}{{ return(adapter.dispatch('share_at_most', 'alumina')(value, group, order)) }}{% endmacro %}
{% macro duckdb__share_at_most(value, group, order) -%}
    cume_dist(order by {{ value }}) over (partition by {{ group }} order by {{ order }} rows between unbounded preceding and current row)
{%- endmacro %}
{% macro default__share_at_most(value, group, order) -%}
    {%- set so_far = 'collect_list(' ~ value ~ ') over (partition by ' ~ group ~ ' order by ' ~ order ~ ')' -%}
    size(filter({{ so_far }}, seen -> seen <= {{ value }})) / size({{ so_far }})
{%- endmacro %}

{# The values of a group as a list, in the order given. #}
{% macro in_order(value, order) %}{{ return(adapter.dispatch('in_order', 'alumina')(value, order)) }}{% endmacro %}
{% macro duckdb__in_order(value, order) %}list({{ value }} order by {{ order }}){% endmacro %}
{% macro default__in_order(value, order) %}transform(array_sort(collect_list(struct({{ order }}, {{ value }} as value))), one -> one.value){% endmacro %}

{# The sum of the products of two lists, added up from the first to the last: the same in every run. #}
{% macro dot(one, other) %}{{ return(adapter.dispatch('dot', 'alumina')(one, other)) }}{% endmacro %}
{% macro duckdb__dot(one, other) %}list_dot_product({{ one }}, {{ other }}){% endmacro %}
{% macro default__dot(one, other) %}aggregate(zip_with({{ one }}, {{ other }}, (x, y) -> x * y), cast(0 as double), (total, each) -> total + each){% endmacro %}

{# A row of named values as one value. #}
{% macro record(fields) %}{{ return(adapter.dispatch('record', 'alumina')(fields)) }}{% endmacro %}
{% macro duckdb__record(fields) -%}
    struct_pack({% for name, value in fields.items() %}{{ name }} := {{ value }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
{% macro default__record(fields) -%}
    named_struct({% for name, value in fields.items() %}'{{ name }}', {{ value }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{# A list of nothing, of the type of a value. #}
{% macro empty_list(value) %}{{ return(adapter.dispatch('empty_list', 'alumina')(value)) }}{% endmacro %}
{% macro duckdb__empty_list(value) %}list_slice(list_value({{ value }}), 1, 0){% endmacro %}
{% macro default__empty_list(value) %}slice(array({{ value }}), 1, 0){% endmacro %}

{# The first value of a list that meets a condition on `name`; null where none does. #}
{% macro first_where(values, name, condition) %}{{ return(adapter.dispatch('first_where', 'alumina')(values, name, condition)) }}{% endmacro %}
{% macro duckdb__first_where(values, name, condition) %}list_filter({{ values }}, lambda {{ name }}: {{ condition }})[1]{% endmacro %}
{% macro default__first_where(values, name, condition) %}get(filter({{ values }}, {{ name }} -> {{ condition }}), 0){% endmacro %}

{# The values of a list that meet a condition on `name`. #}
{% macro those_where(values, name, condition) %}{{ return(adapter.dispatch('those_where', 'alumina')(values, name, condition)) }}{% endmacro %}
{% macro duckdb__those_where(values, name, condition) %}list_filter({{ values }}, lambda {{ name }}: {{ condition }}){% endmacro %}
{% macro default__those_where(values, name, condition) %}filter({{ values }}, {{ name }} -> {{ condition }}){% endmacro %}

{# A list with each value, named `name`, made into another. #}
{% macro each_as(values, name, other) %}{{ return(adapter.dispatch('each_as', 'alumina')(values, name, other)) }}{% endmacro %}
{% macro duckdb__each_as(values, name, other) %}list_transform({{ values }}, lambda {{ name }}: {{ other }}){% endmacro %}
{% macro default__each_as(values, name, other) %}transform({{ values }}, {{ name }} -> {{ other }}){% endmacro %}

{# An expression in which `name` stands for a value that is worked out once. #}
{% macro let(name, value, expression) %}{{ return(adapter.dispatch('let', 'alumina')(name, value, expression)) }}{% endmacro %}
{% macro duckdb__let(name, value, expression) %}list_transform(list_value({{ value }}), lambda {{ name }}: {{ expression }})[1]{% endmacro %}
{% macro default__let(name, value, expression) %}transform(array({{ value }}), {{ name }} -> {{ expression }})[0]{% endmacro %}

{# A list with a value before the others, no longer than `most`. #}
{% macro put_first(values, value, most) %}{{ return(adapter.dispatch('put_first', 'alumina')(values, value, most)) }}{% endmacro %}
{% macro duckdb__put_first(values, value, most) %}list_slice(list_prepend({{ value }}, {{ values }}), 1, {{ most }}){% endmacro %}
{% macro default__put_first(values, value, most) %}slice(array_prepend({{ values }}, {{ value }}), 1, cast({{ most }} as int)){% endmacro %}

{# How many values a list has. #}
{% macro size_of(values) %}{{ return(adapter.dispatch('size_of', 'alumina')(values)) }}{% endmacro %}
{% macro duckdb__size_of(values) %}len({{ values }}){% endmacro %}
{% macro default__size_of(values) %}size({{ values }}){% endmacro %}

{# The value in the middle of a list of numbers, the upper one of two; null where the list is empty. #}
{% macro middle_of(values) %}{{ return(adapter.dispatch('middle_of', 'alumina')(values)) }}{% endmacro %}
{% macro duckdb__middle_of(values) %}list_sort({{ values }})[len({{ values }}) // 2 + 1]{% endmacro %}
{% macro default__middle_of(values) %}get(array_sort({{ values }}), cast(floor(size({{ values }}) / 2) as int)){% endmacro %}

{# What becomes of `start` on the way through a list: at each value, named `each`, the `state` so far turns into `next`. One pass, in the list's order. #}
{% macro fold(values, start, next) %}{{ return(adapter.dispatch('fold', 'alumina')(values, start, next)) }}{% endmacro %}
{% macro duckdb__fold(values, start, next) %}list_reduce({{ values }}, lambda state, each: {{ next }}, {{ start }}){% endmacro %}
{% macro default__fold(values, start, next) %}aggregate({{ values }}, {{ start }}, (state, each) -> {{ next }}){% endmacro %}

{# A row for each value of a list; in a select, once. #}
{% macro each_of(values) %}{{ return(adapter.dispatch('each_of', 'alumina')(values)) }}{% endmacro %}
{% macro duckdb__each_of(values) %}unnest({{ values }}){% endmacro %}
{% macro default__each_of(values) %}explode({{ values }}){% endmacro %}

{# The whole numbers from 0, so many of them, as a list. #}
{% macro numbers(count) %}{{ return(adapter.dispatch('numbers', 'alumina')(count)) }}{% endmacro %}
{% macro duckdb__numbers(count) %}range(cast({{ count }} as bigint)){% endmacro %}
{% macro default__numbers(count) %}filter(sequence(0, greatest(cast({{ count }} as int), 1) - 1), one -> one < {{ count }}){% endmacro %}

{#
A measure of the values of a group within the last `width` of `order`, the row's own included: count, sum, min, max, median, share_at_most, the
share of them that are not above the row's own, or share_below, of those below it. The width is a figure of the row: an engine whose frames take
nothing but a literal filters a list.
#}
{% macro within(measure, value, group, order, width) %}{{ return(adapter.dispatch('within', 'alumina')(measure, value, group, order, width)) }}{% endmacro %}
{% macro duckdb__within(measure, value, group, order, width) -%}
    {%- set frame = 'over (partition by ' ~ group ~ ' order by ' ~ order ~ ' range between cast(' ~ width ~ ' - 1 as bigint) preceding and current row)' -%}
    {%- if measure == 'share_at_most' %}cume_dist(order by {{ value }}) {{ frame }}
    {%- elif measure == 'share_below' %}(rank(order by {{ value }}) {{ frame }} - 1.0) / count(*) {{ frame }}
    {%- else %}{{ measure }}({{ value }}) {{ frame }}
    {%- endif %}
{%- endmacro %}
{% macro default__within(measure, value, group, order, width) -%}
    {%- set so_far = 'collect_list(struct(' ~ order ~ ' as place, ' ~ value ~ ' as value)) over (partition by ' ~ group ~ ' order by ' ~ order ~ ')' -%}
    {%- set values = 'transform(filter(' ~ so_far ~ ', one -> one.place > ' ~ order ~ ' - ' ~ width ~ '), one -> one.value)' -%}
    {%- if measure in ('share_at_most', 'share_below') -%}
        {%- set compare = '<=' if measure == 'share_at_most' else '<' -%}
        size(filter({{ values }}, one -> one {{ compare }} {{ value }})) / size({{ values }})
    {%- elif measure == 'count' %}cast(size(filter({{ values }}, one -> one is not null)) as bigint)
    {%- elif measure == 'median' %}{{ let('ranked', 'array_sort(filter(' ~ values ~ ', one -> one is not null))', '(get(ranked, cast((size(ranked) - 1) / 2 as int)) + get(ranked, cast(size(ranked) / 2 as int))) / 2.0') }}
    {%- elif measure == 'sum' %}aggregate({{ values }}, cast(null as double), (total, one) -> coalesce(total + one, total, one))
    {%- else %}array_{{ measure }}({{ values }})
    {%- endif %}
{%- endmacro %}

{# A quantile (its share a literal) of the values of a group so far, of those at the same place in the order too; nulls are none. #}
{% macro quantile_so_far(value, share, group, order) %}{{ return(adapter.dispatch('quantile_so_far', 'alumina')(value, share, group, order)) }}{% endmacro %}
{% macro duckdb__quantile_so_far(value, share, group, order) -%}
    quantile_cont({{ value }}, {{ share }}) over (partition by {{ group }} order by {{ order }} range between unbounded preceding and current row)
{%- endmacro %}
{% macro default__quantile_so_far(value, share, group, order) -%}
    percentile({{ value }}, {{ share }}) over (partition by {{ group }} order by {{ order }} range between unbounded preceding and current row)
{%- endmacro %}

{# A quantile (its share a literal) of the values of a group. #}
{% macro quantile_of(value, share) %}{{ return(adapter.dispatch('quantile_of', 'alumina')(value, share)) }}{% endmacro %}
{% macro duckdb__quantile_of(value, share) %}quantile_cont({{ value }}, {{ share }}){% endmacro %}
{% macro default__quantile_of(value, share) %}percentile({{ value }}, {{ share }}){% endmacro %}
