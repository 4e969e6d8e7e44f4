-- The denominator is that of the same print: the built capacity as it was known when the operating one was published. A built
-- capacity restated later changes no earlier rate.
{%- set line = ['commodity_code', 'provider', 'region', 'frequency'] %}

with parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

series as (

    select
        *,
        case unit when 't/a' then value / 1000.0 when 't' then value / 1000.0 when 'ratio' then 100.0 * value end as figure
    from {{ ref('int_series__values') }}
    where role in ('capacity_built', 'capacity_operating', 'operating_rate', 'capacity_aged20', 'output')

),

latest as (

    select * from series
    where is_latest

),

-- One row per print; what stands in it besides is looked up as known at its own time, so a built capacity restated later makes the
-- print no younger.
prints as (

    select
        {{ line | join(', ') }},
        obs_date as period_end,
        coalesce(max(case when role <> 'capacity_built' then available_at end), max(available_at)) as available_at,
        {%- for role in ['capacity_operating', 'operating_rate', 'capacity_aged20', 'output'] %}
        max(case when role = '{{ role }}' then figure end) as {{ role }},
        {%- endfor %}
        max(case when role = 'capacity_operating' then available_at end) as operating_available_at,
        max(model_id) as model_id,
        max(source) as source,
        max(data_origin) as data_origin,
        coalesce(max(case when role = 'capacity_operating' then payload_sha256 end), max(payload_sha256)) as payload_sha256
    from latest
    group by {{ line | join(', ') }}, obs_date

),

built as (

    select
        *,
        coalesce(superseded_at, {{ shanghai_time("date '9999-12-31'", 0) }}) as in_force_until
    from series
    where role = 'capacity_built'

),

joined as (

    select
        prints.*,
        built.figure as capacity_built
    from prints
    left join built
        on
            {%- for column in line %}
            prints.{{ column }} = built.{{ column }}
            and
            {%- endfor %}
            prints.period_end = built.obs_date
            and coalesce(prints.operating_available_at, prints.available_at) >= built.available_at
            and coalesce(prints.operating_available_at, prints.available_at) < built.in_force_until

),

{%- set before = 'over (partition by ' ~ line | join(', ') ~ ' order by period_end)' %}

changed as (

    select
        *,
        100.0 * capacity_operating / nullif(capacity_built, 0.0) as utilisation_pct,
        lag(period_end) {{ before }} as previous_period_end,
        lag(capacity_operating) {{ before }} as previous_operating,
        lag(100.0 * capacity_operating / nullif(capacity_built, 0.0)) {{ before }} as previous_utilisation_pct,
        lag(operating_rate) {{ before }} as previous_rate,
        lag(available_at) {{ before }} as previous_available_at
    from joined

),

-- A change is one of a period: a week that was skipped makes none. Two month ends are 31 days apart at most.
spaced as (

    select
        changed.*,
        changed.previous_period_end >= case
            when changed.frequency = 'monthly' then {{ add_days('changed.period_end', -31) }}
            else {{ add_days('changed.period_end', '-parameters.weekly_gap_maximum_days') }}
        end as is_next,
        case changed.frequency when 'weekly' then 7.0 when 'monthly' then extract(day from changed.period_end) when 'daily' then 1.0 end
            as period_days
    from changed
    inner join parameters on changed.commodity_code = parameters.commodity_code

),

final as (

    select
        commodity_code,
        provider,
        region,
        frequency,
        period_end,
        model_id,
        capacity_built as capacity_built_kt_a,
        capacity_operating as capacity_operating_kt_a,
        capacity_built - capacity_operating as capacity_idle_kt_a,
        utilisation_pct,
        operating_rate as printed_rate_pct,
        case when is_next then capacity_operating - previous_operating end as d_operating_kt_a,
        case when is_next then {{ pct('capacity_operating', 'previous_operating') }} end as operating_change_pct,
        case when is_next then utilisation_pct - previous_utilisation_pct end as utilisation_change_pp,
        case when is_next then operating_rate - previous_rate end as printed_rate_change_pp,
        capacity_aged20 as capacity_aged20_kt_a,
        capacity_aged20 / nullif(capacity_built, 0.0) as aged20_share_built_ratio,
        capacity_aged20 / nullif(capacity_operating, 0.0) as aged20_share_operating_ratio,
        case
            when capacity_aged20 is null then 'no_aged_capacity_printed'
            when capacity_operating is null and capacity_built is null then 'no_capacity_of_this_provider'
            when capacity_built is null then 'no_built_capacity_of_this_provider'
            when capacity_operating is null then 'no_operating_capacity_of_this_provider'
        end as aged20_null_reason,
        output as output_kt,
        output / period_days as output_kt_day,
        case
            when capacity_operating is null then 'no_operating_capacity'
            when capacity_built is null then 'no_built_capacity'
            when previous_period_end is null then 'no_print_before'
            when not is_next then 'gap_before'
        end as null_reason,
        {{ reasons({
            'printed_rate_pct': {'operating_rate is null': 'not_printed'},
            'output_kt': {'output is null': 'not_printed'},
        }) }} as other_null_reason,
        case
            when previous_available_at > available_at then previous_available_at
            else available_at
        end as available_at,
        source,
        data_origin,
        payload_sha256
    from spaced

)

select * from final
