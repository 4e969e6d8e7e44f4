-- The scenarios of a decision: rules that fired and say what may follow, with the figures they stand on in words. A figure that is not known is
-- passed over.
with fired as (

    select * from {{ ref('int_outlook__rules') }}
    where has_fired

),

scenarios as (

    select * from {{ ref('stg_catalog__scenarios') }}

),

printed as (

    select * from {{ ref('stg_catalog__scenario_figures') }}

),

effects as (

    select * from {{ ref('stg_catalog__rule_effects') }}

),

rules as (

    select * from {{ ref('stg_catalog__rules') }}

),

metrics as (

    select * from {{ ref('int_outlook__metrics') }}

),

names as (

    select * from {{ ref('stg_catalog__rule_metrics') }}

),

units as (

    select * from {{ ref('stg_catalog__words') }}
    where word_kind = 'unit'

),

weakened as (

    select distinct
        fired.commodity_code,
        fired.as_of_date,
        effects.effect_text as scenario
    from fired
    inner join effects
        on
            fired.rule_id = effects.rule_id
            and fired.valid_from = effects.valid_from
    where effects.effect = 'weaken'

),

-- Yes and no are told by the name alone.
figures as (

    select
        fired.commodity_code,
        fired.as_of_date,
        fired.rule_id,
        {%- for language, name in [('en', 'metric_name'), ('zh', 'metric_name_zh')] %}
        names.{{ name }} || ' ' || {{ number_text('metrics.metric_value', 2) }} || coalesce(' ' || nullif(units.word_{{ language }}, ''), '')
            as figure_{{ language }},
        {%- endfor %}
        printed.place
    from fired
    inner join printed
        on
            fired.rule_id = printed.rule_id
            and fired.valid_from = printed.valid_from
    inner join metrics
        on
            fired.commodity_code = metrics.commodity_code
            and fired.as_of_date = metrics.as_of_date
            and printed.metric = metrics.metric
    inner join names on printed.metric = names.metric
    left join units on names.unit = units.word
    where names.unit <> '0 or 1'

),

evidence as (

    select
        commodity_code,
        as_of_date,
        rule_id,
        {{ joined('figure_en', 'place') }} as evidence_en,
        {{ joined('figure_zh', 'place') }} as evidence_zh
    from figures
    group by commodity_code, as_of_date, rule_id

),

final as (

    select
        fired.commodity_code,
        fired.as_of_date,
        fired.rule_id,
        scenarios.scenario,
        scenarios.scenario_level,
        rules.rule_name,
        rules.rule_name_zh,
        scenarios.if_text_en,
        scenarios.if_text_zh,
        scenarios.then_text_en,
        scenarios.then_text_zh,
        scenarios.invalidated_by_en,
        scenarios.invalidated_by_zh,
        evidence.evidence_en,
        evidence.evidence_zh,
        weakened.scenario is not null as is_weakened,
        scenarios.study,
        scenarios.no_study,
        fired.config_version
    from fired
    inner join scenarios
        on
            fired.rule_id = scenarios.rule_id
            and fired.valid_from = scenarios.valid_from
    inner join rules
        on
            fired.rule_id = rules.rule_id
            and fired.valid_from = rules.valid_from
    left join weakened
        on
            fired.commodity_code = weakened.commodity_code
            and fired.as_of_date = weakened.as_of_date
            and scenarios.scenario = weakened.scenario
    left join evidence
        on
            fired.commodity_code = evidence.commodity_code
            and fired.as_of_date = evidence.as_of_date
            and fired.rule_id = evidence.rule_id

)

select * from final
