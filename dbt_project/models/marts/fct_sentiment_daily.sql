-- The score with its band: what it would be had the weights been drawn otherwise, from fixed draws.
with scores as (

    select * from {{ ref('int_sentiment__scores') }}

),

components as (

    select * from {{ ref('int_sentiment__components') }}

),

draws as (

    select * from {{ ref('stg_catalog__weight_draws') }}

),

decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

policy as (

    select * from {{ ref('int_outlook__signals') }}
    where signal = 'policy_intensity'

),

market as (

    select * from {{ ref('int_market__known') }}

),

-- A million sums of a dozen products each: as lists in one order of components they take a tenth of the time of a group by.
factors as (

    select
        draw,
        {{ in_order('factor', 'component') }} as factors
    from draws
    group by draw

),

names as (

    select distinct component
    from draws

),

listed as (

    select
        scores.commodity_code,
        scores.as_of_date,
        {{ in_order('coalesce(components.component_score * components.weight, 0.0)', 'names.component') }} as terms,
        {{ in_order('case when components.component_score is null then 0.0 else components.weight end', 'names.component') }} as weights
    from scores
    cross join names
    left join components
        on
            scores.commodity_code = components.commodity_code
            and scores.as_of_date = components.as_of_date
            and names.component = components.component
    where scores.score is not null
    group by scores.commodity_code, scores.as_of_date

),

drawn as (

    select
        listed.commodity_code,
        listed.as_of_date,
        {{ score_ratio(dot('listed.terms', 'factors.factors'), dot('listed.weights', 'factors.factors')) }} as draw_score
    from listed
    cross join factors

),

bands as (

    select
        commodity_code,
        as_of_date,
        {{ quantile_of('draw_score', 0.05) }} as score_band_low,
        {{ quantile_of('draw_score', 0.95) }} as score_band_high
    from drawn
    group by commodity_code, as_of_date

),

final as (

    select
        scores.commodity_code,
        scores.as_of_date,
        decisions.decision_at,
        scores.score,
        bands.score_band_low,
        bands.score_band_high,
        scores.coverage,
        scores.contribution_policy,
        scores.contribution_receipts,
        scores.contribution_money,
        scores.contribution_fundamentals,
        scores.score_equal_weights,
        scores.score_equal_blocks,
        scores.is_sentiment_over_fundamentals,
        scores.is_sentiment_and_receipts_over_fundamentals,
        policy.signal_value as policy_intensity,
        policy.signal_change as policy_intensity_change,
        market.breadth_5d,
        market.sector_breadth,
        {{ reasons({
            'policy_intensity': {'policy.signal_value is null': 'no_policy_known'},
            'policy_intensity_change': {'policy.signal_change is null': 'no_policy_known_before'},
        }, also=['market.null_reason']) }} as null_reason,
        scores.missing_blocks,
        scores.config_version,
        scores.inputs_hash,
        decisions.data_origin
    from scores
    inner join decisions
        on
            scores.commodity_code = decisions.commodity_code
            and scores.as_of_date = decisions.as_of_date
    left join bands
        on
            scores.commodity_code = bands.commodity_code
            and scores.as_of_date = bands.as_of_date
    left join policy
        on
            scores.commodity_code = policy.commodity_code
            and scores.as_of_date = policy.as_of_date
    left join market
        on
            scores.commodity_code = market.commodity_code
            and scores.as_of_date = market.as_of_date

)

select * from final
