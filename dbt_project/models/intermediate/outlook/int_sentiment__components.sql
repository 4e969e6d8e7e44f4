-- Every component of the score at every decision, also those without data: a missing block must be seen, not guessed. A commodity's own
-- configuration wins over the shared one, and of dated rows the newest in force.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

components as (

    select * from {{ ref('stg_catalog__score_components') }}

),

signals as (

    select * from {{ ref('int_outlook__signals') }}

),

in_force as (

    select *
    from (
        select
            decisions.commodity_code,
            decisions.as_of_date,
            decisions.decision_at,
            components.component,
            components.component_name,
            components.component_name_zh,
            components.block,
            components.signal,
            components.unit,
            components.weight,
            components.sign,
            components.profile,
            components.maximum_age_sessions,
            components.valid_from,
            components.fingerprint,
            components.config_version,
            row_number() over (
                partition by decisions.commodity_code, decisions.as_of_date, components.component
                order by case when components.commodity_code = '*' then 1 else 0 end, components.valid_from desc
            ) as place
        from decisions
        inner join components
            on
                components.commodity_code in ('*', decisions.commodity_code)
                and decisions.as_of_date >= components.valid_from
    ) as placed
    where place = 1

),

scored as (

    select
        in_force.*,
        signals.signal_value,
        signals.percentile_ratio,
        signals.signal_change,
        signals.data_date,
        signals.leg_dates,
        signals.age_sessions,
        signals.payload_sha256,
        {{ component_score('signals', 'in_force') }} as component_score
    from in_force
    left join signals
        on
            in_force.commodity_code = signals.commodity_code
            and in_force.as_of_date = signals.as_of_date
            and in_force.signal = signals.signal

),

final as (

    select
        commodity_code,
        as_of_date,
        decision_at,
        component,
        component_name,
        component_name_zh,
        block,
        signal,
        unit,
        signal_value,
        signal_change,
        percentile_ratio,
        component_score,
        weight,
        sign,
        profile,
        maximum_age_sessions,
        valid_from,
        fingerprint,
        case
            when signal_value is null then 'no_data'
            when age_sessions > maximum_age_sessions then 'stale'
            when component_score is null then 'too_few_observations'
        end as null_reason,
        data_date,
        leg_dates,
        age_sessions,
        config_version,
        payload_sha256
    from scored

)

select * from final
