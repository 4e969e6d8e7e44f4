-- What is said at a decision: where a rule rejects the day, nothing is. Which profile it stands on, and what is late, is told beside.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

effects as (

    select * from {{ ref('int_outlook__effects') }}

),

scores as (

    select * from {{ ref('int_sentiment__scores') }}

),

profiles as (

    select * from {{ ref('int_outlook__profiles') }}

),

stances as (

    select * from {{ ref('int_outlook__stances') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

-- Receipts that came and are not all there: why they count as late.
incomplete as (

    select distinct
        commodity_code,
        trade_date
    from {{ ref('int_receipts__totals') }}
    where reading = 'decided' and whole_reason is not null

),

final as (

    select
        effects.commodity_code,
        effects.as_of_date,
        effects.horizon,
        decisions.decision_at,
        decisions.valid_until,
        decisions.data_origin,
        scores.score,
        profiles.profile,
        profiles.coverage,
        profiles.is_fallback,
        effects.is_rejected,
        case when not effects.is_rejected then stances.stance end as stance,
        case when effects.is_rejected then 'rejected' else stances.stance_reason end as stance_reason,
        case when not effects.is_rejected then stances.leaning_en end as leaning_en,
        case when not effects.is_rejected then stances.leaning_zh end as leaning_zh,
        stances.evidence_share,
        -- Before the usual time of the day a statement is a draft.
        decisions.decision_at < {{ shanghai_time('decisions.as_of_date', 'parameters.decision_time_minutes') }} as is_early,
        nullif(
            concat_ws(
                ';',
                effects.status_reason,
                case when not effects.is_rejected then profiles.late_inputs end,
                case when incomplete.trade_date is not null then 'receipts_incomplete' end
            ),
            ''
        ) as status_reason,
        effects.rule_ids,
        effects.risks_en,
        effects.risks_zh,
        effects.rejections_en,
        effects.rejections_zh,
        effects.risk_flags,
        effects.weakened_flags,
        effects.conflicts,
        effects.watchlist,
        effects.tail,
        effects.volatility_regime
    from effects
    inner join decisions
        on
            effects.commodity_code = decisions.commodity_code
            and effects.as_of_date = decisions.as_of_date
    inner join scores
        on
            effects.commodity_code = scores.commodity_code
            and effects.as_of_date = scores.as_of_date
    inner join profiles
        on
            effects.commodity_code = profiles.commodity_code
            and effects.as_of_date = profiles.as_of_date
    inner join parameters on effects.commodity_code = parameters.commodity_code
    left join stances
        on
            effects.commodity_code = stances.commodity_code
            and effects.as_of_date = stances.as_of_date
            and effects.horizon = stances.horizon
    left join incomplete
        on
            effects.commodity_code = incomplete.commodity_code
            and effects.as_of_date = incomplete.trade_date

)

select * from final
