-- What the rules and the score say at a decision: without a score, or where a rule rejects the day, no stance is taken.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

effects as (

    select * from {{ ref('int_outlook__effects') }}

),

scores as (

    select * from {{ ref('int_sentiment__scores') }}

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
        scores.coverage,
        effects.is_rejected or scores.score is null as is_rejected,
        case when not effects.is_rejected and scores.score is not null then effects.stance end as stance,
        case when not effects.is_rejected and scores.score is not null then effects.confidence end as confidence,
        -- Before the usual time of the day a statement is a draft.
        decisions.decision_at < {{ shanghai_time('decisions.as_of_date', 'parameters.decision_time_minutes') }} as is_early,
        case
            when incomplete.trade_date is null then effects.status_reason
            else concat_ws(';', effects.status_reason, 'receipts_incomplete')
        end as status_reason,
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
    inner join parameters on effects.commodity_code = parameters.commodity_code
    left join incomplete
        on
            effects.commodity_code = incomplete.commodity_code
            and effects.as_of_date = incomplete.trade_date

)

select * from final
