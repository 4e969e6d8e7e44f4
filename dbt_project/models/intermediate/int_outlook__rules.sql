-- The engine: every rule at every decision. A line holds when one of its alternatives does, a rule fires when every line holds. A metric
-- without a value makes its condition unknown; an unknown line does not hold.
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

held as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        rules.rule_id,
        rules.config_version,
        conditions.line,
        max(
            case
                when metrics.metric_value is null then 0
                when conditions.comparator = '=' and metrics.metric_value = conditions.threshold then 1
                when conditions.comparator = '<>' and metrics.metric_value <> conditions.threshold then 1
                when conditions.comparator = '<' and metrics.metric_value < conditions.threshold then 1
                when conditions.comparator = '<=' and metrics.metric_value <= conditions.threshold then 1
                when conditions.comparator = '>' and metrics.metric_value > conditions.threshold then 1
                when conditions.comparator = '>=' and metrics.metric_value >= conditions.threshold then 1
                else 0
            end
        ) as holds,
        count(*) - count(metrics.metric_value) as unknown_conditions
    from decisions
    inner join rules on decisions.as_of_date >= rules.valid_from
    inner join conditions on rules.rule_id = conditions.rule_id
    left join metrics
        on
            decisions.commodity_code = metrics.commodity_code
            and decisions.as_of_date = metrics.as_of_date
            and conditions.metric = metrics.metric
    group by decisions.commodity_code, decisions.as_of_date, rules.rule_id, rules.config_version, conditions.line

),

final as (

    select
        commodity_code,
        as_of_date,
        rule_id,
        config_version,
        min(holds) = 1 as has_fired,
        min(holds) = 0 and sum(unknown_conditions) > 0 as is_unknown
    from held
    group by commodity_code, as_of_date, rule_id, config_version

)

select * from final
