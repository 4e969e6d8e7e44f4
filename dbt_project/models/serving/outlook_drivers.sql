-- Every component of the score at every decision, also those without data: a missing block must be seen, not guessed.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

components as (

    select * from {{ ref('stg_catalog__score_components') }}

),

signals as (

    select * from {{ ref('int_outlook__signals') }}

),

scored as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        decisions.decision_at,
        components.component,
        components.component_name,
        components.block,
        components.signal,
        components.weight,
        components.sign,
        components.config_version,
        signals.signal_value,
        signals.percentile_ratio,
        signals.data_date,
        signals.payload_sha256,
        -- A value of an earlier day is stale for a daily signal and does not count.
        case
            when signals.data_date = decisions.as_of_date
                then components.sign * (200.0 * signals.percentile_ratio - 100.0)
        end as component_score
    from decisions
    cross join components
    left join signals
        on
            decisions.commodity_code = signals.commodity_code
            and decisions.as_of_date = signals.as_of_date
            and components.signal = signals.signal

),

final as (

    select
        commodity_code,
        as_of_date,
        decision_at,
        component,
        component_name,
        block,
        signal,
        signal_value,
        percentile_ratio,
        component_score,
        weight,
        component_score * weight / sum(case when component_score is not null then weight end)
            over (partition by commodity_code, as_of_date) as contribution,
        case
            when signal_value is null then 'no_data'
            when percentile_ratio is null then 'too_few_observations'
            when component_score is null then 'stale'
        end as null_reason,
        data_date,
        config_version,
        payload_sha256
    from scored

)

select * from final
