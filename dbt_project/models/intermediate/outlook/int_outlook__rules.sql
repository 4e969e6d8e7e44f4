-- The engine: every rule at every decision. A line holds when one of its alternatives does, a rule fires when every line holds. A metric
-- without a value makes its condition unknown; an unknown line does not hold. Of a rule's dated versions the newest in force counts.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

rules as (

    select * from {{ ref('stg_catalog__rules') }}

),

conditions as (

    select * from {{ ref('stg_catalog__rule_conditions') }}

),

metrics as (

    select * from {{ ref('int_outlook__metrics') }}

),

in_force as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        rules.rule_id,
        max(rules.config_version) as config_version,
        max(rules.valid_from) as valid_from
    from decisions
    inner join rules on decisions.as_of_date >= rules.valid_from
    group by decisions.commodity_code, decisions.as_of_date, rules.rule_id

),

held as (

    select
        in_force.commodity_code,
        in_force.as_of_date,
        in_force.rule_id,
        in_force.valid_from,
        in_force.config_version,
        conditions.line,
        max(case when {{ holds('metrics.metric_value', 'conditions') }} then 1 else 0 end) as holds,
        count(*) - count(metrics.metric_value) as unknown_conditions
    from in_force
    inner join conditions
        on
            in_force.rule_id = conditions.rule_id
            and in_force.valid_from = conditions.valid_from
    left join metrics
        on
            in_force.commodity_code = metrics.commodity_code
            and in_force.as_of_date = metrics.as_of_date
            and conditions.metric = metrics.metric
    group by
        in_force.commodity_code, in_force.as_of_date, in_force.rule_id, in_force.valid_from, in_force.config_version, conditions.line

),

final as (

    select
        commodity_code,
        as_of_date,
        rule_id,
        valid_from,
        config_version,
        min(holds) = 1 as has_fired,
        min(holds) = 0 and sum(unknown_conditions) > 0 as is_unknown
    from held
    group by commodity_code, as_of_date, rule_id, valid_from, config_version

)

select * from final
