-- What followed an event of any product, by what was known on each day, beside what followed any day. The interval of the share of rises takes
-- the days of one date as one: products move together.
with outcomes as (

    select * from {{ ref('int_panel__outcomes') }}
    where outcome is not null

),

events as (

    select * from {{ ref('int_panel__events') }}

),

lengths as (

    select horizon_sessions from {{ ref('stg_catalog__panel_horizons') }}
    where ewma_weight is null

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

-- Every day is an event of its own name: what the others are held against.
followed as (

    select
        events.event,
        outcomes.horizon_sessions,
        outcomes.trade_date,
        outcomes.known_date,
        outcomes.outcome
    from events
    inner join outcomes
        on
            events.exchange = outcomes.exchange
            and events.product_id = outcomes.product_id
            and events.trade_date = outcomes.trade_date
    inner join lengths on outcomes.horizon_sessions = lengths.horizon_sessions

    union all

    select
        'any_day' as event,
        outcomes.horizon_sessions,
        outcomes.trade_date,
        outcomes.known_date,
        outcomes.outcome
    from outcomes
    inner join lengths on outcomes.horizon_sessions = lengths.horizon_sessions

),

by_date as (

    select
        event,
        horizon_sessions,
        trade_date,
        known_date,
        count(*) as outcomes,
        sum(case when outcome > 0.0 then 1 else 0 end) as rises
    from followed
    group by event, horizon_sessions, trade_date, known_date

),

-- With a row for each day of a decision, so that one window gives what was known on it.
kinds as (

    select distinct
        event,
        horizon_sessions
    from followed

),

sessions as (

    select distinct trade_date from {{ ref('int_panel__chain') }}

),

decisions as (

    select
        kinds.event,
        kinds.horizon_sessions,
        sessions.trade_date as day
    from kinds
    cross join sessions

),

counted as (

    select
        event,
        horizon_sessions,
        day,
        is_decision,
        sum(outcomes) over so_far as outcomes,
        sum(dates) over so_far as dates,
        sum(rises) over so_far as rises,
        sum(squared_outcomes) over so_far as squared_outcomes,
        sum(cross_outcomes) over so_far as cross_outcomes,
        sum(squared_rises) over so_far as squared_rises,
        max(case when not is_decision then day end) over so_far as known_day
    from (
        select
            event,
            horizon_sessions,
            known_date as day,
            outcomes,
            1 as dates,
            rises,
            outcomes * outcomes as squared_outcomes,
            outcomes * rises as cross_outcomes,
            rises * rises as squared_rises,
            false as is_decision
        from by_date

        union all

        select
            event,
            horizon_sessions,
            day,
            0 as outcomes,
            0 as dates,
            0 as rises,
            0 as squared_outcomes,
            0 as cross_outcomes,
            0 as squared_rises,
            true as is_decision
        from decisions
    ) as days
    window so_far as (partition by event, horizon_sessions order by day)

),

{%- set quantiles = {'lower_quartile': 0.25, 'median': 0.5, 'upper_quartile': 0.75} %}

-- No row of it is null: a window of quantiles over nulls takes all pairs of rows.
ranked as (

    select distinct
        event,
        horizon_sessions,
        {%- for name, share in quantiles.items() %}
        {{ quantile_so_far('outcome', share, 'event, horizon_sessions', 'known_date') }} as {{ name }},
        {%- endfor %}
        known_date as known_day
    from followed

),

-- The share of rises and its error, by the sums of each date about it.
shared as (

    select
        counted.*,
        cast(counted.rises as double) / nullif(counted.outcomes, 0) as share_up,
        parameters.panel_interval_z as z,
        parameters.panel_event_minimum_dates
    from counted
    cross join parameters
    where counted.is_decision

),

judged as (

    select
        *,
        sqrt(greatest(0.0, squared_rises - 2.0 * share_up * cross_outcomes + share_up * share_up * squared_outcomes)) / nullif(outcomes, 0) as error
    from shared

),

final as (

    select
        judged.event,
        judged.horizon_sessions,
        judged.day as as_of_date,
        cast(judged.outcomes as bigint) as outcomes,
        cast(judged.dates as bigint) as dates,
        100.0 * (exp(ranked.lower_quartile) - 1.0) as lower_quartile_pct,
        100.0 * (exp(ranked.median) - 1.0) as median_pct,
        100.0 * (exp(ranked.upper_quartile) - 1.0) as upper_quartile_pct,
        judged.share_up,
        greatest(0.0, judged.share_up - judged.z * judged.error) as share_up_low,
        least(1.0, judged.share_up + judged.z * judged.error) as share_up_high,
        any_day.share_up as base_share_up,
        judged.dates >= judged.panel_event_minimum_dates as is_shown
    from judged
    inner join ranked
        on
            judged.event = ranked.event
            and judged.horizon_sessions = ranked.horizon_sessions
            and judged.known_day = ranked.known_day
    left join shared as any_day
        on
            judged.horizon_sessions = any_day.horizon_sessions
            and judged.day = any_day.day
            and any_day.event = 'any_day'
    where judged.outcomes > 0

)

select * from final
