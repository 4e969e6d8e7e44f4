-- How what was said came out, by what was known on each day: of each product and of all of them together (`*`). Counted are outcomes known by
-- the day alone; what was said then is held against them, never what a later fit would have said.
{%- set sums = [
    'forecasts', 'forecast_dates', 'calls', 'call_dates', 'hits', 'call_rises', 'down_calls', 'call_brier', 'call_brier_half', 'call_brier_share',
    'call_gain_half_squares', 'call_gain_share_squares',
    'brier', 'brier_half', 'brier_share', 'interval_outcomes', 'interval_dates', 'interval_inside',
] %}

with forecasts as (

    select * from {{ ref('int_panel__forecasts') }}

),

outcomes as (

    select * from {{ ref('int_panel__outcomes') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

judged as (

    select
        forecasts.exchange,
        forecasts.product_id,
        forecasts.horizon,
        forecasts.trade_date,
        outcomes.known_date,
        forecasts.probability_up is not null as is_forecast,
        coalesce(forecasts.call, 0) <> 0 as is_call,
        coalesce(forecasts.call, 0) < 0 as is_down,
        outcomes.outcome > 0.0 as is_rise,
        case when outcomes.outcome > 0.0 then 1.0 else 0.0 end - forecasts.probability_up as miss,
        case when outcomes.outcome > 0.0 then 1.0 else 0.0 end - 0.5 as miss_half,
        case when outcomes.outcome > 0.0 then 1.0 else 0.0 end - forecasts.pooled_share as miss_share,
        forecasts.interval_low is not null as has_interval,
        outcomes.outcome between forecasts.interval_low and forecasts.interval_high as is_inside
    from forecasts
    inner join outcomes
        on
            forecasts.exchange = outcomes.exchange
            and forecasts.product_id = outcomes.product_id
            and forecasts.trade_date = outcomes.trade_date
            and forecasts.horizon_sessions = outcomes.horizon_sessions
    where outcomes.outcome is not null

),

{%- set scopes = {'judged.exchange': 'judged.product_id', "'*'": "'*'"} %}

-- By the day of the statement and the day on which its outcome was known: one row for each date, so that dates can be counted.
by_date as (

    {%- for exchange, product in scopes.items() %}
    select
        {{ exchange }} as exchange,
        {{ product }} as product_id,
        judged.horizon,
        judged.trade_date,
        judged.known_date,
        sum(case when judged.is_forecast then 1 else 0 end) as forecasts,
        max(case when judged.is_forecast then 1 else 0 end) as forecast_dates,
        sum(case when judged.is_call then 1 else 0 end) as calls,
        max(case when judged.is_call then 1 else 0 end) as call_dates,
        sum(case when judged.is_call and judged.is_rise <> judged.is_down then 1 else 0 end) as hits,
        sum(case when judged.is_call and judged.is_rise then 1 else 0 end) as call_rises,
        sum(case when judged.is_call and judged.is_down then 1 else 0 end) as down_calls,
        sum(case when judged.is_call then judged.miss * judged.miss else 0.0 end) as call_brier,
        sum(case when judged.is_call then judged.miss_half * judged.miss_half else 0.0 end) as call_brier_half,
        sum(case when judged.is_call then judged.miss_share * judged.miss_share else 0.0 end) as call_brier_share,
        {%- for base in ['half', 'share'] %}
        power(
            sum(case when judged.is_call then judged.miss_{{ base }} * judged.miss_{{ base }} - judged.miss * judged.miss else 0.0 end), 2
        ) as call_gain_{{ base }}_squares,
        {%- endfor %}
        sum(case when judged.is_forecast then judged.miss * judged.miss else 0.0 end) as brier,
        sum(case when judged.is_forecast then judged.miss_half * judged.miss_half else 0.0 end) as brier_half,
        sum(case when judged.is_forecast then judged.miss_share * judged.miss_share else 0.0 end) as brier_share,
        sum(case when judged.has_interval then 1 else 0 end) as interval_outcomes,
        max(case when judged.has_interval then 1 else 0 end) as interval_dates,
        sum(case when judged.is_inside then 1 else 0 end) as interval_inside
    from judged
    group by {{ exchange ~ ', ' ~ product ~ ', ' if loop.first }}judged.horizon, judged.trade_date, judged.known_date
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

known as (

    select
        exchange,
        product_id,
        horizon,
        {%- for name in sums %}
        sum({{ name }}) as {{ name }},
        {%- endfor %}
        known_date as day,
        false as is_decision
    from by_date
    group by exchange, product_id, horizon, known_date

),

-- With a row for each day of a statement, so that one window gives what was known on it.
days as (

    select
        exchange,
        product_id,
        horizon,
        {%- for name in sums %}
        {{ name }},
        {%- endfor %}
        day,
        is_decision
    from known

    union all

    select distinct
        '*' as exchange,
        '*' as product_id,
        horizon,
        {%- for name in sums %}
        0 as {{ name }},
        {%- endfor %}
        trade_date as day,
        true as is_decision
    from forecasts

    union all

    select
        exchange,
        product_id,
        horizon,
        {%- for name in sums %}
        0 as {{ name }},
        {%- endfor %}
        trade_date as day,
        true as is_decision
    from forecasts

),

counted as (

    select
        exchange,
        product_id,
        horizon,
        {%- for name in sums %}
        sum({{ name }}) over so_far as {{ name }},
        {%- endfor %}
        day,
        is_decision
    from days
    window so_far as (partition by exchange, product_id, horizon order by day)

),

lengths as (

    select
        counted.*,
        horizons.horizon_sessions,
        parameters.panel_interval_z as z,
        parameters.panel_track_minimum_independent,
        cast(counted.call_dates as double) / horizons.horizon_sessions as independent_calls,
        cast(counted.hits as double) / nullif(counted.calls, 0) as hit_ratio,
        nullif(least(counted.call_brier_half, counted.call_brier_share), 0.0) as call_base,
        -- Dates are drawn, since products of one date move together, and one in as many as the horizon has sessions is independent.
        sqrt(
            horizons.horizon_sessions * greatest(
                0.0,
                case
                    when counted.call_brier_half <= counted.call_brier_share then counted.call_gain_half_squares
                    else counted.call_gain_share_squares
                end
                - power(least(counted.call_brier_half, counted.call_brier_share) - counted.call_brier, 2) / nullif(counted.call_dates, 0)
            )
        ) as call_gain_error
    from counted
    inner join {{ ref('stg_catalog__panel_horizons') }} as horizons on counted.horizon = horizons.horizon
    cross join parameters
    where counted.is_decision

),

-- Wilson's interval of the hit ratio by the number of independent outcomes, not of calls: they overlap and move together.
final as (

    select
        exchange,
        product_id,
        horizon,
        day as trade_date,
        horizon_sessions,
        cast(forecasts as bigint) as forecasts,
        cast(forecast_dates as double) / horizon_sessions as independent_forecasts,
        cast(calls as bigint) as calls,
        cast(down_calls as bigint) as down_calls,
        independent_calls,
        hit_ratio,
        {%- for end, sign in {'low': '-', 'high': '+'}.items() %}
        case
            when calls > 0
                then
                    (
                        hit_ratio + z * z / (2.0 * independent_calls)
                        {{ sign }} z * sqrt(hit_ratio * (1.0 - hit_ratio) / independent_calls + z * z / (4.0 * independent_calls * independent_calls))
                    ) / (1.0 + z * z / independent_calls)
        end as hit_ratio_{{ end }},
        {%- endfor %}
        cast(call_rises as double) / nullif(calls, 0) as base_ratio,
        brier / nullif(forecasts, 0) as brier,
        1.0 - brier / nullif(least(brier_half, brier_share), 0.0) as skill,
        1.0 - call_brier / call_base as call_skill,
        1.0 - (call_brier + z * call_gain_error) / call_base as call_skill_low,
        1.0 - (call_brier - z * call_gain_error) / call_base as call_skill_high,
        cast(interval_outcomes as bigint) as interval_outcomes,
        cast(interval_dates as double) / horizon_sessions as independent_intervals,
        cast(interval_inside as double) / nullif(interval_outcomes, 0) as interval_coverage,
        case
            when calls = 0 then 'no_call_yet'
            when independent_calls < panel_track_minimum_independent then 'too_few_to_judge'
        end as track_reason
    from lengths

)

select * from final
