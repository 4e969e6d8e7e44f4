-- As-of join: what every mapped vendor series said at each decision. Of the observations published by then the newest one, in the
-- version in force then; a restated figure is not seen before it was restated.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

series as (

    select * from {{ ref('int_series__values') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

visible as (

    select
        decisions.as_of_date,
        decisions.session_index,
        decisions.decision_at,
        series.*,
        row_number() over (
            partition by series.commodity_code, series.role, series.provider, series.series_id, decisions.as_of_date
            order by series.obs_date desc
        ) as place
    from decisions
    inner join parameters on decisions.commodity_code = parameters.commodity_code
    inner join series
        on
            decisions.commodity_code = series.commodity_code
            and series.obs_date between {{ add_days('decisions.as_of_date', '-parameters.series_maximum_age_days') }} and decisions.as_of_date
            and decisions.decision_at >= series.available_at
            and (series.superseded_at is null or decisions.decision_at < series.superseded_at)

),

final as (

    select
        newest.commodity_code,
        newest.as_of_date,
        newest.session_index,
        newest.decision_at,
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
    from visible as newest
    left join visible as before
        on
            newest.commodity_code = before.commodity_code
            and newest.role = before.role
            and newest.provider = before.provider
            and newest.series_id = before.series_id
            and newest.as_of_date = before.as_of_date
            and before.place = 2
    where newest.place = 1

)

select * from final
