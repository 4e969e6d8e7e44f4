-- Alerts are rules with the effect `alert`: raised at the first decision at which the rule fires, cleared at the first at which it no
-- longer does, or at which the rule in force no longer alerts.
with rules as (

    select * from {{ ref('int_outlook__rules') }}

),

effects as (

    select * from {{ ref('stg_catalog__rule_effects') }}
    where effect = 'alert'

),

texts as (

    select * from {{ ref('stg_catalog__rules') }}

),

conditions as (

    select * from {{ ref('stg_catalog__rule_conditions') }}

),

metrics as (

    select * from {{ ref('int_outlook__metrics') }}

),

names as (

    select * from {{ ref('stg_catalog__rule_metrics') }}

),

decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

-- What each rule ever alerts of.
kinds as (

    select
        rule_id,
        effect_text
    from effects
    group by rule_id, effect_text

),

told as (

    select
        rules.commodity_code,
        rules.as_of_date,
        rules.rule_id,
        rules.valid_from,
        kinds.effect_text as alert,
        rules.has_fired and effects.rule_id is not null as has_fired,
        decisions.decision_at,
        decisions.data_origin
    from rules
    inner join kinds on rules.rule_id = kinds.rule_id
    left join effects
        on
            rules.rule_id = effects.rule_id
            and rules.valid_from = effects.valid_from
            and kinds.effect_text = effects.effect_text
    inner join decisions
        on
            rules.commodity_code = decisions.commodity_code
            and rules.as_of_date = decisions.as_of_date

),

states as (

    select
        *,
        coalesce(lag(has_fired) over in_order, false) as had_fired
    from told
    window in_order as (partition by commodity_code, rule_id, alert order by as_of_date)

),

turns as (

    select
        *,
        lead(as_of_date) over turn_order as next_date,
        lead(decision_at) over turn_order as next_at
    from states
    where has_fired <> had_fired
    window turn_order as (partition by commodity_code, rule_id, alert order by as_of_date)

),

-- The conditions that held when the rule fired.
seen as (

    select
        turns.commodity_code,
        turns.as_of_date,
        turns.rule_id,
        {%- set figure = " || ' = ' || " ~ number_text('metrics.metric_value', 2) %}
        {{ joined('names.metric_name' ~ figure, 'conditions.line, conditions.alternative') }} as raised_on,
        {{ joined('names.metric_name_zh' ~ figure, 'conditions.line, conditions.alternative') }} as raised_on_zh
    from turns
    inner join conditions
        on
            turns.rule_id = conditions.rule_id
            and turns.valid_from = conditions.valid_from
    inner join metrics
        on
            turns.commodity_code = metrics.commodity_code
            and turns.as_of_date = metrics.as_of_date
            and conditions.metric = metrics.metric
            and {{ holds('metrics.metric_value', 'conditions') }}
    inner join names on conditions.metric = names.metric
    where turns.has_fired
    group by turns.commodity_code, turns.as_of_date, turns.rule_id

),

final as (

    select
        turns.commodity_code,
        turns.alert,
        turns.rule_id,
        texts.rule_name,
        texts.rule_name_zh,
        turns.as_of_date as raised_date,
        turns.decision_at as raised_at,
        turns.next_date as cleared_date,
        turns.next_at as cleared_at,
        turns.next_date is null as is_active,
        seen.raised_on,
        seen.raised_on_zh,
        turns.data_origin
    from turns
    inner join texts
        on
            turns.rule_id = texts.rule_id
            and turns.valid_from = texts.valid_from
    left join seen
        on
            turns.commodity_code = seen.commodity_code
            and turns.as_of_date = seen.as_of_date
            and turns.rule_id = seen.rule_id
    where turns.has_fired

)

select * from final
