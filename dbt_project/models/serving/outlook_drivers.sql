-- What a statement stands on: every component of the score and every part of a stance, also those without data, every condition of the rules
-- that fired, and as rows
-- what the outlook lists as text: flags, what weakens them, conflicts, what to watch, levels.
with components as (

    select * from {{ ref('int_sentiment__components') }}

),

fired as (

    select * from {{ ref('int_outlook__rules') }}
    where has_fired

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

leans as (

    select * from {{ ref('int_outlook__leans') }}

),

-- Who delivered a payload; one that came from two sources is named by the first.
payloads as (

    select
        payload_sha256,
        min(source) as source
    from {{ ref('stg_ingest__receipts') }}
    where payload_sha256 is not null
    group by payload_sha256

),

scored as (

    select
        commodity_code,
        as_of_date,
        decision_at,
        'component' as driver_kind,
        component as driver,
        component_name as driver_name,
        component_name_zh as driver_name_zh,
        block,
        '' as rule_id,
        signal,
        unit,
        signal_value,
        signal_change,
        percentile_ratio,
        cast(null as string) as condition_text,
        component_score,
        weight,
        component_score * weight / sum(case when component_score is not null then weight end)
            over (partition by commodity_code, as_of_date) as contribution,
        null_reason,
        data_date,
        config_version,
        payload_sha256,
        cast(null as double) as lean_value,
        'all' as horizon
    from components

),

met as (

    select
        fired.commodity_code,
        fired.as_of_date,
        decisions.decision_at,
        'rule' as driver_kind,
        fired.rule_id || '.' || cast(conditions.line as string) || '.' || cast(conditions.alternative as string) as driver,
        names.metric_name as driver_name,
        names.metric_name_zh as driver_name_zh,
        cast(null as string) as block,
        fired.rule_id,
        conditions.metric as signal,
        names.unit,
        metrics.metric_value as signal_value,
        metrics.metric_change as signal_change,
        metrics.percentile_ratio,
        conditions.metric || ' ' || conditions.comparator || ' ' || {{ number_text('conditions.threshold', 2) }} as condition_text,
        cast(null as double) as component_score,
        cast(null as double) as weight,
        cast(null as double) as contribution,
        case when metrics.metric_value is null then 'no_data' end as null_reason,
        metrics.data_date,
        fired.config_version,
        metrics.payload_sha256,
        cast(null as double) as lean_value,
        'all' as horizon
    from fired
    inner join conditions
        on
            fired.rule_id = conditions.rule_id
            and fired.valid_from = conditions.valid_from
    inner join names on conditions.metric = names.metric
    inner join decisions
        on
            fired.commodity_code = decisions.commodity_code
            and fired.as_of_date = decisions.as_of_date
    left join metrics
        on
            fired.commodity_code = metrics.commodity_code
            and fired.as_of_date = metrics.as_of_date
            and conditions.metric = metrics.metric

),

listed as (

    select * from {{ ref('int_outlook__listed') }}

),

-- Nothing in a list has a weight, a score or a percentile.
done as (

    select
        listed.commodity_code,
        listed.as_of_date,
        decisions.decision_at,
        listed.driver_kind,
        listed.driver,
        listed.driver_name,
        listed.driver_name_zh,
        cast(null as string) as block,
        listed.rule_id,
        listed.signal,
        listed.unit,
        listed.signal_value,
        cast(null as double) as signal_change,
        cast(null as double) as percentile_ratio,
        cast(null as string) as condition_text,
        cast(null as double) as component_score,
        cast(null as double) as weight,
        cast(null as double) as contribution,
        cast(null as string) as null_reason,
        listed.data_date,
        listed.config_version,
        listed.payload_sha256,
        cast(null as double) as lean_value,
        'all' as horizon
    from listed
    inner join decisions
        on
            listed.commodity_code = decisions.commodity_code
            and listed.as_of_date = decisions.as_of_date

),

leaning as (

    select
        leans.commodity_code,
        leans.as_of_date,
        decisions.decision_at,
        'stance' as driver_kind,
        leans.horizon || '.' || leans.part as driver,
        leans.part_name as driver_name,
        leans.part_name_zh as driver_name_zh,
        cast(null as string) as block,
        '' as rule_id,
        leans.metric as signal,
        names.unit,
        leans.metric_value as signal_value,
        cast(null as double) as signal_change,
        cast(null as double) as percentile_ratio,
        cast(null as string) as condition_text,
        cast(null as double) as component_score,
        leans.weight,
        cast(null as double) as contribution,
        leans.null_reason,
        leans.data_date,
        leans.config_version,
        leans.payload_sha256,
        leans.lean_value,
        leans.horizon
    from leans
    inner join decisions
        on
            leans.commodity_code = decisions.commodity_code
            and leans.as_of_date = decisions.as_of_date
    inner join names on leans.metric = names.metric

),

drivers as (

    select * from leaning
    union all
    select * from scored
    union all
    select * from met
    union all
    select * from done

),

final as (

    select
        drivers.*,
        payloads.source
    from drivers
    left join payloads on drivers.payload_sha256 = payloads.payload_sha256

)

select * from final
