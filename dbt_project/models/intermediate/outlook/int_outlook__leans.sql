-- The engine of stances, first half: every part of the evidence at every decision, and to which side it leans beyond its dead-band. A part
-- whose metric is not known, or too old, says nothing. Of a part's dated versions the newest in force counts.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

leans as (

    select * from {{ ref('stg_catalog__stances') }}

),

parts as (

    select * from {{ ref('stg_catalog__stance_parts') }}

),

metrics as (

    select * from {{ ref('int_outlook__metrics') }}

),

lean_days as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        leans.horizon,
        max(leans.valid_from) as valid_from
    from decisions
    inner join leans on decisions.as_of_date >= leans.valid_from
    group by decisions.commodity_code, decisions.as_of_date, leans.horizon

),

part_days as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        parts.horizon,
        parts.part,
        max(parts.valid_from) as valid_from
    from decisions
    inner join parts on decisions.as_of_date >= parts.valid_from
    group by decisions.commodity_code, decisions.as_of_date, parts.horizon, parts.part

),

in_force as (

    select
        part_days.commodity_code,
        part_days.as_of_date,
        leans.stance_method,
        leans.valid_from as lean_valid_from,
        leans.fingerprint as lean_fingerprint,
        parts.*
    from part_days
    inner join parts
        on
            part_days.horizon = parts.horizon
            and part_days.part = parts.part
            and part_days.valid_from = parts.valid_from
    inner join lean_days
        on
            part_days.commodity_code = lean_days.commodity_code
            and part_days.as_of_date = lean_days.as_of_date
            and part_days.horizon = lean_days.horizon
    inner join leans
        on
            lean_days.horizon = leans.horizon
            and lean_days.valid_from = leans.valid_from
    where parts.weight > 0.0

),

read_metrics as (

    select
        in_force.*,
        metrics.metric_value,
        metrics.data_date,
        metrics.payload_sha256 as metric_payload_sha256,
        case
            when metrics.metric_value is null then 'no_data'
            when metrics.age_sessions > in_force.maximum_age_sessions then 'stale'
        end as null_reason
    from in_force
    left join metrics
        on
            in_force.commodity_code = metrics.commodity_code
            and in_force.as_of_date = metrics.as_of_date
            and in_force.metric = metrics.metric

),

final as (

    select
        read_metrics.commodity_code,
        read_metrics.as_of_date,
        read_metrics.horizon,
        read_metrics.part,
        read_metrics.part_name,
        read_metrics.part_name_zh,
        read_metrics.metric,
        read_metrics.weight,
        read_metrics.stance_method,
        read_metrics.lean_valid_from,
        read_metrics.lean_fingerprint,
        read_metrics.valid_from,
        read_metrics.fingerprint,
        read_metrics.config_version,
        read_metrics.metric_value,
        read_metrics.data_date,
        case
            when read_metrics.null_reason is not null then null
            when read_metrics.stance_method = 'mean' then read_metrics.metric_value
            when {{ holds('read_metrics.metric_value', 'read_metrics', 'up_') }} then 1.0
            when {{ holds('read_metrics.metric_value', 'read_metrics', 'down_') }} then -1.0
            else 0.0
        end as lean_value,
        read_metrics.null_reason,
        read_metrics.metric_payload_sha256 as payload_sha256
    from read_metrics

)

select * from final
