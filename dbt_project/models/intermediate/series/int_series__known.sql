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

-- When a day's figure could first be seen: when it was available, but not before its own day.
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
        obs_date,
        older_obs_date,
        cast(null as date) as as_of_date,
        cast(null as bigint) as session_index,
        cast(null as date) as oldest_obs_date
    from arrivals

    union all

    select
        lines.commodity_code,
        lines.role,
        lines.provider,
        lines.series_id,
        decisions.decision_at as seen_at,
        cast(null as date) as obs_date,
        cast(null as date) as older_obs_date,
        decisions.as_of_date,
        decisions.session_index,
        {{ add_days('decisions.as_of_date', '-parameters.series_maximum_age_days') }} as oldest_obs_date
    from lines
    inner join decisions on lines.commodity_code = decisions.commodity_code
    inner join parameters on lines.commodity_code = parameters.commodity_code

),

answered as (

    select
        commodity_code,
        role,
        provider,
        series_id,
        seen_at as decision_at,
        as_of_date,
        session_index,
        oldest_obs_date,
        max(obs_date) over so_far as obs_date,
        max(older_obs_date) over so_far as previous_obs_date
    from asked
    window so_far as (partition by commodity_code, role, provider, series_id order by seen_at)

),


final as (

    select
        answered.commodity_code,
        answered.as_of_date,
        answered.session_index,
        answered.decision_at,
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
    from answered
    inner join versions as newest
        on
            answered.commodity_code = newest.commodity_code
            and answered.role = newest.role
            and answered.provider = newest.provider
            and answered.series_id = newest.series_id
            and answered.obs_date = newest.obs_date
            and answered.decision_at >= newest.available_at
            and answered.decision_at < newest.in_force_until
    left join versions as before
        on
            answered.commodity_code = before.commodity_code
            and answered.role = before.role
            and answered.provider = before.provider
            and answered.series_id = before.series_id
            and answered.previous_obs_date = before.obs_date
            and answered.oldest_obs_date <= before.obs_date
            and answered.decision_at >= before.available_at
            and answered.decision_at < before.in_force_until
    where answered.obs_date >= answered.oldest_obs_date

)

select * from final
