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
        {%- for name, column in {
            'outcomes': 'outcomes', 'dates': 'dates', 'median_pct': 'median_pct', 'lower_quartile_pct': 'lower_quartile_pct',
            'upper_quartile_pct': 'upper_quartile_pct', 'share_up': 'share_up', 'share_up_low': 'share_up_low', 'share_up_high': 'share_up_high',
            'base_share_up': 'base_share_up',
        }.items() %}
        case when studies.is_shown then studies.{{ column }} end as event_{{ name }},
        {%- endfor %}
        case when studies.is_shown then studies.horizon_sessions end as event_sessions,
        case
            when scenarios.study is null then 'no_study'
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
