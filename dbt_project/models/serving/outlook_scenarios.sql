-- The scenarios of each decision, and what followed earlier where an event study of all products asks the same.
with scenarios as (

    select * from {{ ref('int_outlook__scenarios') }}

),

decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

studies as (

    select * from {{ ref('int_panel__studies') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

final as (

    select
        scenarios.commodity_code,
        scenarios.as_of_date,
        decisions.decision_at,
        scenarios.rule_id,
        scenarios.scenario,
        scenarios.scenario_level,
        scenarios.rule_name,
        scenarios.rule_name_zh,
        scenarios.if_text_en,
        scenarios.if_text_zh,
        scenarios.then_text_en,
        scenarios.then_text_zh,
        scenarios.invalidated_by_en,
        scenarios.invalidated_by_zh,
        scenarios.evidence_en,
        scenarios.evidence_zh,
        scenarios.is_weakened,
        case when studies.is_shown then studies.outcomes end as event_outcomes,
        case when studies.is_shown then studies.dates end as event_dates,
        case when studies.is_shown then studies.median_pct end as event_median_pct,
        case when studies.is_shown then studies.lower_quartile_pct end as event_lower_quartile_pct,
        case when studies.is_shown then studies.upper_quartile_pct end as event_upper_quartile_pct,
        case when studies.is_shown then studies.share_up end as event_share_up,
        case when studies.is_shown then studies.share_up_low end as event_share_up_low,
        case when studies.is_shown then studies.share_up_high end as event_share_up_high,
        case when studies.is_shown then studies.base_share_up end as event_base_share_up,
        case when studies.is_shown then studies.horizon_sessions end as event_sessions,
        case
            when scenarios.study is null then concat_ws(':', 'no_study', scenarios.no_study)
            when studies.is_shown is not true then 'too_few_dates'
        end as event_reason,
        scenarios.config_version,
        decisions.data_origin
    from scenarios
    inner join decisions
        on
            scenarios.commodity_code = decisions.commodity_code
            and scenarios.as_of_date = decisions.as_of_date
    cross join parameters
    left join studies
        on
            scenarios.study = studies.event
            and scenarios.as_of_date = studies.as_of_date
            and parameters.panel_study_shown_sessions = studies.horizon_sessions

)

select * from final
