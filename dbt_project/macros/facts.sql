{# When the publication clock says a fact could be known: the stated publication time, never before the window opens; without one, its end. #}
{% macro clock_at(day, published_at, clock) -%}
    {#- Not coalesce(greatest(...), ...): greatest passes over a null, and the fact would be known before it was. #}
    case
        when {{ published_at }} is null then {{ shanghai_time(add_days(day, clock ~ '.day_offset'), clock ~ '.latest_minute') }}
        else greatest({{ published_at }}, {{ shanghai_time(add_days(day, clock ~ '.day_offset'), clock ~ '.earliest_minute') }})
    end
{%- endmacro %}

{# Joins rows of an exchange with the commodity of the catalogue they are about, its parameters, and the clock of their dataset (CTEs of these names). #}
{% macro of_commodities(rows) -%}
    inner join commodities
        on
            {{ rows }}.exchange = commodities.exchange
            and {{ rows }}.product_id = commodities.product_id
    inner join parameters on commodities.commodity_code = parameters.commodity_code
    inner join clock on {{ rows }}.dataset = clock.dataset
{%- endmacro %}

{# The clock of a printed vendor figure: a dataset may have one of its own for one frequency. #}
{% macro series_clock(printed) -%}
    case
        when {{ printed }}.dataset = 'cost__series' and {{ printed }}.frequency = 'monthly' then 'cost__series/monthly'
        else {{ printed }}.dataset
    end
{%- endmacro %}

{# When a month of customs could be known: by the timetable of the year where there is one, else by the clock, which has the late bound. #}
{% macro customs_clock_at(trade, clock, releases) -%}
    case
        when {{ releases }}.out_at is not null then greatest({{ releases }}.out_at, coalesce({{ trade }}.published_at, {{ releases }}.out_at))
        else {{ clock_at(trade ~ '.month', trade ~ '.published_at', clock) }}
    end
{%- endmacro %}

{# Only what the world could know by this build's horizon (`alumina run --as-of`); everything in a normal build. #}
{% macro is_known(available_at) -%}
    {{ available_at }} <= coalesce((select max(horizon.as_of) from {{ ref('stg_ingest__horizon') }} as horizon), {{ available_at }})
{%- endmacro %}

{# As-of join to dated configuration: the row of `dated` in force on a day. #}
{% macro in_force(dated, day) -%}
    {{ day }} >= {{ dated }}.valid_from
            and ({{ dated }}.superseded_from is null or {{ day }} < {{ dated }}.superseded_from)
{%- endmacro %}

{# As-of join to facts: the version of `fact` that was known at a moment. #}
{% macro known_then(fact, moment) -%}
    {{ moment }} >= {{ fact }}.available_at
            and ({{ fact }}.superseded_at is null or {{ moment }} < {{ fact }}.superseded_at)
{%- endmacro %}

{#
When a payload's word on a fact could be known: the payload first in hand from its clock time, also when it was loaded long afterwards; a
later one not before it was first seen.
#}
{% macro known_from(keys) -%}
    case
        when rank() over (partition by {{ keys | join(', ') }} order by fetched_at, clock_at, payload_sha256) = 1 then clock_at
        else greatest(clock_at, fetched_at)
    end
{%- endmacro %}

{#
Rows of whole payloads with available_at: when each payload's word on its keys could be known. All rows of a payload were fetched and
published at once, so it is found for each payload, not for each row. The clock is that of the rows' dataset, or of the one named.
#}
{% macro with_available_at(relation, keys, dataset=none) -%}
    {%- set payload = keys + ['payload_sha256', 'fetched_at', 'published_at'] -%}
    select
        told.*,
        known.clock_at,
        known.available_at
    from {{ relation }} as told
    inner join (
        select
            clocked.*,
            {{ known_from(keys) }} as available_at
        from (
            select
                payloads.*,
                {{ clock_at('payloads.trade_date', 'payloads.published_at', 'clock') }} as clock_at
            from (
                select distinct {{ payload | join(', ') }}
                from {{ relation }}
            ) as payloads
            inner join {{ ref('stg_catalog__publication_clock') }} as clock
                on clock.dataset = {% if dataset %}'{{ dataset }}'{% else %}payloads.dataset{% endif %}
        ) as clocked
    ) as known
        on
            {%- for column in payload %}
            {% if not loop.first %}and {% endif %}not {{ differs('told.' ~ column, 'known.' ~ column) }}
            {%- endfor %}
{%- endmacro %}

{#
The versions of each fact of a relation, which has clock_at, fetched_at and payload_sha256 (and decided_by, the decision time of the
fact's own day, where decided=true):

available_at   by known_from; dated=true where the relation has it, which some of whose rows were left out. Every version is known from
               available_at until superseded_at.
vintage        1, 2, … as they became known. A payload that repeats the figures known before it is no version of its own.
is_latest      the newest by the payloads' own time.
is_decided     the version the day's own decision stood on; where none was there yet, the first that came. History as it was lived:
               revisions never reach back into it.
#}
{% macro versions(relation, keys, values, decided=false, dated=false) -%}
    {%- set key = keys | join(', ') -%}
    {%- set own_order = 'clock_at, fetched_at, payload_sha256' -%}
    {%- set known_order = 'available_at, clock_at, fetched_at, payload_sha256' -%}
    with told_again as (

        select {{ key }}
        from {{ relation }}
        group by {{ key }}
        having count(*) > 1

    ),

    -- Nearly every fact is printed once: its one version needs no order, and windows over all of them are what takes the time.
    told_once as (

        select
            told.*,
            {%- if not dated %}
            told.clock_at as available_at,
            {%- endif %}
            true as is_new,
            cast(1 as bigint) as vintage,
            case when false then told.clock_at end as superseded_at,
            true as is_latest
            {%- if decided %},
            true as is_decided
            {%- endif %}
        from {{ relation }} as told
        where not {{ is_among('told', 'told_again', keys) }} and {{ is_known('told.available_at' if dated else 'told.clock_at') }}

    ),

    told_in_order as (

        select
            told.*,
            row_number() over (partition by {{ key }} order by {{ known_order }}) as vintage,
            min(told.available_at) over (
                partition by {{ key }}
                order by {{ own_order }}
                rows between 1 following and unbounded following
            ) as superseded_at,
            row_number() over (
                partition by {{ key }}
                order by clock_at desc, fetched_at desc, payload_sha256 desc
            ) = 1 as is_latest
            {%- if decided %},
            row_number() over (
                partition by {{ key }}
                order by
                    case when available_at <= decided_by then 0 else 1 end asc,
                    case when available_at <= decided_by then clock_at end desc,
                    case when available_at <= decided_by then fetched_at end desc,
                    available_at asc,
                    payload_sha256 asc
            ) = 1 as is_decided
            {%- endif %}
        from (
            select
                seen.*,
                {%- for value in values %}
                {{ differs('seen.' ~ value, 'lag(seen.' ~ value ~ ') over known_before') }} or
                {%- endfor %}
                row_number() over known_before = 1 as is_new
            from (
                select
                    *{% if not dated %},
                    {{ known_from(keys) }} as available_at{% endif %}
                from {{ relation }} as given
                where {{ is_among('given', 'told_again', keys) }}
            ) as seen
            window known_before as (partition by {{ key }} order by {{ known_order }})
        ) as told
        where told.is_new and {{ is_known('told.available_at') }}

    )

    select * from told_once

    union all

    select * from told_in_order
{%- endmacro %}

{# Whether a row has its keys in another relation, nulls being like each other. #}
{% macro is_among(row, relation, keys) -%}
    exists (
        select 1
        from {{ relation }}
        where
            {%- for column in keys %}
            {% if not loop.first %}and {% endif %}not {{ differs(row ~ '.' ~ column, relation ~ '.' ~ column) }}
            {%- endfor %}
    )
{%- endmacro %}

{#
The versions of each fact that is a whole payload: a later one replaces all rows of the earlier one, also those it no longer has. `rows` have
the keys, clock_at, fetched_at, payload_sha256, source and data_origin (and decided_by, where decided=true); what two payloads say is
compared as one text, of `said` in the given order, and only where there is more than one.
#}
{% macro payload_versions(rows, keys, said, order, decided=false) -%}
    {%- set key = keys | join(', ') -%}
    with received as (

        select
            {{ key }},
            payload_sha256,
            max(source) as source,
            max(data_origin) as data_origin,
            min(clock_at) as clock_at,
            min(fetched_at) as fetched_at,
            {%- if decided %}
            min(decided_by) as decided_by,
            {%- endif %}
            count(*) over (partition by {{ key }}) as payload_count
        from {{ rows }}
        group by {{ key }}, payload_sha256

    ),

    repeated as (

        select * from received
        where payload_count > 1

    ),

    contents as (

        select
            {%- for column in keys %}
            repeated.{{ column }},
            {%- endfor %}
            repeated.payload_sha256,
            md5({{ joined("concat_ws('|', " ~ said | join(', ') ~ ")", order | join(', ')) }}) as content
        from {{ rows }} as told
        inner join repeated
            on
                {%- for column in keys %}
                told.{{ column }} = repeated.{{ column }} and
                {%- endfor %}
                told.payload_sha256 = repeated.payload_sha256
        group by
            {%- for column in keys %}
            repeated.{{ column }},
            {%- endfor %}
            repeated.payload_sha256

    ),

    payloads as (

        select
            received.*,
            contents.content
        from received
        left join contents
            on
                {%- for column in keys %}
                received.{{ column }} = contents.{{ column }} and
                {%- endfor %}
                received.payload_sha256 = contents.payload_sha256

    )

    select * from (
        {{ versions('payloads', keys=keys, values=['content'], decided=decided) }}
    ) as versions
{%- endmacro %}

{#
Two readings of history, to be kept apart in every window: `latest` with all revisions, which the marts show, and `decided`, as it stood
at each day's own decision, which scores and rules are made of.
#}
{% macro readings(relation) -%}
    select
        'latest' as reading,
        *
    from {{ relation }}
    where is_latest

    union all

    select
        'decided' as reading,
        *
    from {{ relation }}
    where is_decided
{%- endmacro %}

{# Whether an earlier figure may count in a row: in the decided reading only where it had come by the row's own decision. #}
{% macro had_come(earlier_available_at, row='') -%}
    {%- set of = row ~ '.' if row else '' -%}
    ({{ of }}reading = 'latest' or {{ earlier_available_at }} <= {{ of }}decided_by)
{%- endmacro %}

{# The days of all a figure is made of: the same days and another figure is a revision, another day is new data. #}
{% macro leg_dates(days) -%}
    concat_ws(';'{% for day in days %}, cast({{ day }} as string){% endfor %})
{%- endmacro %}

{# Which of its kind a figure is, its parts joined by >: clock, place, provider, model, or the way goods from abroad take. #}
{% macro leg_of(parts) -%}
    concat_ws('>'{% for part in parts %}, {{ part }}{% endfor %})
{%- endmacro %}

{# One of those parts, by its place. #}
{% macro leg_part(leg, place) %}nullif(split_part({{ leg }}, '>', {{ place }}), ''){% endmacro %}

{# Change in per cent from one figure to another. #}
{% macro pct(later, earlier) -%}
    100.0 * ({{ later }} / nullif({{ earlier }}, 0.0) - 1.0)
{%- endmacro %}

{# A sum that is the same in any order of its terms, which an engine is free to choose: decimals add up exactly, doubles do not. #}
{% macro exact_sum(term) -%}
    cast(sum(cast({{ term }} as decimal(18, 12))) as double)
{%- endmacro %}

{# Figures of a relation by commodity and session in one long form, signal -> expression; what is not known is no row. #}
{% macro as_facts(relation, figures, leg='cast(null as string)') -%}
    {%- for signal, figure in figures.items() %}
    select
        commodity_code,
        '{{ signal }}' as signal,
        trade_date as data_date,
        available_at,
        {{ figure }} as signal_value,
        {{ leg }} as leg,
        payload_sha256
    from {{ relation }}
    where {{ figure }} is not null
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}
{%- endmacro %}

{# What a figure says under one configuration row, -100 to 100 around its ordinary day: nothing when there is none, it is too old or its rank is not known. #}
{% macro component_score(figure, configured) -%}
    case
        when {{ figure }}.signal_value is null or {{ figure }}.age_sessions > {{ configured }}.maximum_age_sessions then null
        else {{ configured }}.sign * (200.0 * {{ figure }}.percentile_ratio - 100.0)
    end
{%- endmacro %}

{# Whether a figure meets a condition, the columns of which may have a prefix; a figure that is not known meets none, nor is a condition that is not there met. #}
{% macro holds(figure, condition, prefix='') -%}
    case {{ condition }}.{{ prefix }}comparator
    {%- for comparator in ['=', '<>', '<', '<=', '>', '>='] %}
        when '{{ comparator }}' then coalesce({{ figure }} {{ comparator }} {{ condition }}.{{ prefix }}threshold, false)
    {%- endfor %}
    end
{%- endmacro %}

{# A weighted mean of scores, or its part: within -100 to 100, whose ends a division may pass. Not least and greatest: they pass over a null. #}
{% macro score_ratio(total, weight) -%}
    {%- set mean = total ~ ' / ' ~ weight -%}
    case when abs({{ mean }}) > 100.0 then 100.0 * sign({{ mean }}) else {{ mean }} end
{%- endmacro %}

{% macro score_mean(term, weight) %}{{ score_ratio(exact_sum(term), exact_sum(weight)) }}{% endmacro %}

{# Growth of a month's customs figure on the month before. January and February come together and the holiday moves between them: no growth touches either. #}
{% macro mom_pct(month_of_year, later, earlier) -%}
    case when {{ month_of_year }} > 3 then {{ pct(later, earlier) }} end
{%- endmacro %}

{# Why there is no such growth; null where there is. #}
{% macro mom_null_reason(month_of_year, later, earlier) -%}
    case
        when {{ month_of_year }} <= 3 then 'chinese_new_year'
        when {{ later }} is null then 'no_quantity'
        when coalesce({{ earlier }}, 0.0) = 0.0 then 'no_earlier_month'
    end
{%- endmacro %}

{#
Why figures of a row are missing: `figure:reason` for each of them, joined by `;`, null where none is. Of a figure's conditions the first
that holds gives the reason; `{figure}` in one stands for the figure's name. `also` are reasons told already.
#}
{% macro reasons(figures, also=[]) -%}
    nullif(
        concat_ws(
            ';',
            {%- for told in also %}
            {{ told }},
            {%- endfor %}
            {%- for figure, conditions in figures.items() %}
            case
                {%- for condition, reason in conditions.items() %}
                when {{ condition | replace('{figure}', figure) }} then '{{ figure }}:{{ reason }}'
                {%- endfor %}
            end
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        ),
        ''
    )
{%- endmacro %}

{# A delivery month printed as YYMM as a number that counts months. #}
{% macro month_number(code) -%}
    (12 * cast(substr({{ code }}, 1, 2) as integer) + cast(substr({{ code }}, 3, 2) as integer))
{%- endmacro %}

{#
The normal distribution's quantile of a probability between 0.03 and 0.97, to nine digits: the central part of P. J. Acklam's rational
approximation (2003). No engine has it built in.
#}
{% macro normal_quantile(probability) -%}
    {%- set q = '(' ~ probability ~ ' - 0.5)' -%}
    {%- set above = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.3577518672690, -30.66479806614716, 2.506628277459239] -%}
    {%- set below = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1.0] -%}
    {{ q }} * ({% for a in above %}{{ '+ ' if not loop.first }}cast({{ a }} as double) * power({{ q }}, {{ 2 * (5 - loop.index0) }}){% endfor %})
    / ({% for b in below %}{{ '+ ' if not loop.first }}cast({{ b }} as double) * power({{ q }}, {{ 2 * (5 - loop.index0) }}){% endfor %})
{%- endmacro %}

{# Why a horizon's fits (products and sessions of the panel by a day) give no probability whatever the product; null where they may. #}
{% macro no_probability(fits, parameters='parameters') -%}
    case
        when {{ fits }}.signals = '' then 'no_forecast_at_this_horizon'
        when {{ fits }}.products < {{ parameters }}.panel_minimum_products or {{ fits }}.sessions < {{ parameters }}.panel_minimum_sessions
            then 'panel_too_short:' || cast({{ fits }}.products as string) || 'x' || cast({{ fits }}.sessions as string)
    end
{%- endmacro %}

{# A price on its tick; as it is where no tick is known. #}
{% macro on_tick(price, tick) -%}
    case when {{ tick }} > 0.0 then {{ tick }} * round({{ price }} / {{ tick }}) else {{ price }} end
{%- endmacro %}

{# The daily series known at each decision, without those that stopped: a figure older than a daily one may be is not of that day. #}
{% macro fresh_series(known) -%}
    select series.*
    from {{ known }} as series
    inner join parameters on series.commodity_code = parameters.commodity_code
    where series.obs_date >= {{ add_days('series.as_of_date', '-parameters.daily_series_maximum_age_days') }}
{%- endmacro %}

{#
The rows of `timed` that a version stands on, with what is known of the version: for models of whole payloads (payload_versions), whose CTEs
are named `timed` and `versions`. `columns` are those of the row beside its provenance.
#}
{% macro rows_of_versions(columns, keys=['commodity_code', 'trade_date'], decided=false) -%}
    select
        {%- for column in columns + ['source', 'data_origin', 'payload_sha256', 'fetched_at'] %}
        timed.{{ column }},
        {%- endfor %}
        versions.available_at,
        versions.superseded_at,
        versions.vintage,
        versions.is_latest{{ ',\n        versions.is_decided' if decided }}
    from timed
    inner join versions
        on
            {%- for column in keys %}
            timed.{{ column }} = versions.{{ column }} and
            {%- endfor %}
            timed.payload_sha256 = versions.payload_sha256
{%- endmacro %}
