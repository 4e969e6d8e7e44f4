-- As-of join: what every mapped vendor series said at each decision. Of the observations published by then the newest one, in the
-- version in force then; a restated figure is not seen before it was restated. What is known of a day once is known from then on, in one
-- version or another, so that the newest day known is a running maximum.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

series as (

    select * from {{ ref('int_series__values') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

versions as (

    select
        *,
        coalesce(superseded_at, {{ shanghai_time("date '9999-12-31'", 0) }}) as in_force_until
    from series

),

-- When a day's figure could first be seen: once it was available, and not before its own day.
first_seen as (

    select
        commodity_code,
        role,
        provider,
        series_id,
        obs_date,
        greatest(min(available_at), {{ shanghai_time('obs_date', 0) }}) as seen_at
    from series
    group by commodity_code, role, provider, series_id, obs_date

),

-- Of two days, the newest so far and the one that comes, the older is the day before the newest.
arrivals as (

    select
        *,
        case when newest_obs_date is not null then least(obs_date, newest_obs_date) end as older_obs_date
    from (
        select
            *,
            max(obs_date) over (
                partition by commodity_code, role, provider, series_id
                order by seen_at, obs_date
                rows between unbounded preceding and 1 preceding
            ) as newest_obs_date
        from first_seen
    ) as arriving

),

lines as (

    select distinct
        commodity_code,
        role,
        provider,
        series_id
    from series

),

asked as (

    select
        commodity_code,
        role,
        provider,
        series_id,
        seen_at,
        cast(null as date) as as_of_date,
        obs_date,
        older_obs_date
    from arrivals

    union all

    select
        lines.commodity_code,
        lines.role,
        lines.provider,
        lines.series_id,
        decisions.decision_at as seen_at,
        decisions.as_of_date,
        cast(null as date) as obs_date,
        cast(null as date) as older_obs_date
    from lines
    inner join decisions on lines.commodity_code = decisions.commodity_code

),

answered as (

    select
        asked.commodity_code,
        asked.role,
        asked.provider,
        asked.series_id,
        asked.as_of_date,
        max(asked.obs_date) over so_far as obs_date,
        max(asked.older_obs_date) over so_far as previous_obs_date
    from asked
    window so_far as (partition by asked.commodity_code, asked.role, asked.provider, asked.series_id order by asked.seen_at)

),

dated as (

    select
        answered.*,
        decisions.session_index,
        decisions.decision_at,
        {{ add_days('answered.as_of_date', '-parameters.series_maximum_age_days') }} as oldest_obs_date
    from answered
    inner join decisions
        on
            answered.commodity_code = decisions.commodity_code
            and answered.as_of_date = decisions.as_of_date
    inner join parameters on answered.commodity_code = parameters.commodity_code

),


final as (

    select
        dated.commodity_code,
        dated.as_of_date,
        dated.session_index,
        dated.decision_at,
        newest.role,
        newest.provider,
        newest.series_id,
        newest.region,
        newest.model_id,
        newest.frequency,
        newest.unit,
        newest.obs_date,
        newest.value,
        newest.low_value,
        newest.high_value,
        before.obs_date as previous_obs_date,
        before.value as previous_value,
        newest.vintage,
        newest.available_at,
        newest.source,
        newest.data_origin,
        newest.payload_sha256
    from dated
    inner join versions as newest
        on
            dated.commodity_code = newest.commodity_code
            and dated.role = newest.role
            and dated.provider = newest.provider
            and dated.series_id = newest.series_id
            and dated.obs_date = newest.obs_date
            and dated.decision_at >= newest.available_at
            and dated.decision_at < newest.in_force_until
    left join versions as before
        on
            dated.commodity_code = before.commodity_code
            and dated.role = before.role
            and dated.provider = before.provider
            and dated.series_id = before.series_id
            and dated.previous_obs_date = before.obs_date
            and dated.oldest_obs_date <= before.obs_date
            and dated.decision_at >= before.available_at
            and dated.decision_at < before.in_force_until
    where dated.obs_date >= dated.oldest_obs_date

)

select * from final
