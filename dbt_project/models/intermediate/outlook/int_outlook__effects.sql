-- What the fired rules do, by horizon: lists become text joined by `;`.
with rules as (

    select * from {{ ref('int_outlook__rules') }}
    where has_fired

),

effects as (

    select * from {{ ref('stg_catalog__rule_effects') }}
    where effect <> 'alert'

),

texts as (

    select * from {{ ref('stg_catalog__rules') }}

),

decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

horizons as (

    select 'short' as horizon
    union all
    select 'medium' as horizon
    union all
    select 'long' as horizon

),

spread as (

    select
        rules.commodity_code,
        rules.as_of_date,
        rules.rule_id,
        horizons.horizon,
        effects.effect,
        effects.effect_text,
        texts.rule_name,
        texts.rule_name_zh
    from rules
    inner join effects
        on
            rules.rule_id = effects.rule_id
            and rules.valid_from = effects.valid_from
    inner join texts
        on
            rules.rule_id = texts.rule_id
            and rules.valid_from = texts.valid_from
    inner join horizons on coalesce(effects.horizon, '*') in ('*', horizons.horizon)

),

-- Two rules may give one text.
texted as (

    select distinct
        commodity_code,
        as_of_date,
        horizon,
        case effect when 'reject' then 'reason' else effect end as effect,
        effect_text
    from spread
    where effect_text is not null

),

lists as (

    select
        commodity_code,
        as_of_date,
        {%- for effect, column in {
            'flag': 'risk_flags', 'weaken': 'weakened_flags', 'conflict': 'conflicts', 'watch': 'watchlist', 'tail': 'tail',
            'volatility': 'volatility_regime', 'reason': 'status_reason',
        }.items() %}
        {{ joined("case when effect = '" ~ effect ~ "' then effect_text end", 'effect_text') }} as {{ column }},
        {%- endfor %}
        horizon
    from texted
    group by commodity_code, as_of_date, horizon

),

fired as (

    select
        commodity_code,
        as_of_date,
        horizon,
        {{ joined('rule_id', 'length(rule_id), rule_id') }} as rule_ids,
        {{ joined("case when is_risk = 1 then rule_name end", 'length(rule_id), rule_id') }} as risks_en,
        {{ joined("case when is_risk = 1 then rule_name_zh end", 'length(rule_id), rule_id') }} as risks_zh,
        {{ joined("case when is_reject = 1 then rule_name end", 'length(rule_id), rule_id') }} as rejections_en,
        {{ joined("case when is_reject = 1 then rule_name_zh end", 'length(rule_id), rule_id') }} as rejections_zh
    from (
        select
            commodity_code,
            as_of_date,
            horizon,
            rule_id,
            rule_name,
            rule_name_zh,
            max(case when effect = 'flag' then 1 else 0 end) as is_risk,
            max(case when effect = 'reject' then 1 else 0 end) as is_reject
        from spread
        group by commodity_code, as_of_date, horizon, rule_id, rule_name, rule_name_zh
    ) as fired_rules
    group by commodity_code, as_of_date, horizon

),

final as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        horizons.horizon,
        fired.rejections_en is not null as is_rejected,
        fired.rule_ids,
        fired.risks_en,
        fired.risks_zh,
        fired.rejections_en,
        fired.rejections_zh,
        lists.status_reason,
        lists.risk_flags,
        lists.weakened_flags,
        lists.conflicts,
        lists.watchlist,
        lists.tail,
        lists.volatility_regime
    from decisions
    cross join horizons
    left join fired
        on
            decisions.commodity_code = fired.commodity_code
            and decisions.as_of_date = fired.as_of_date
            and horizons.horizon = fired.horizon
    left join lists
        on
            decisions.commodity_code = lists.commodity_code
            and decisions.as_of_date = lists.as_of_date
            and horizons.horizon = lists.horizon

)

select * from final
