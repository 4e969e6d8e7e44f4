-- One statement a decision and horizon, its kinds kept apart: forecast (probability, call, interval), stance (where the evidence leans), state
-- (the sentiment score) and scenarios (flags), each with its own record where it has one, beside the facts they stand on. Without quotes of the
-- day, or with too short a chain of returns, the row says so and nothing else.
with statements as (

    select * from {{ ref('int_outlook__statements') }}

),

sentiment as (

    select * from {{ ref('fct_sentiment_daily') }}

),

figures as (

    select * from {{ ref('int_outlook__figures') }}

),

forecasts as (

    select * from {{ ref('int_outlook__forecasts') }}

),

track as (

    select * from {{ ref('int_outlook__stance_track') }}

),

digests as (

    select * from {{ ref('int_outlook__digests') }}

),

headlines as (

    select * from {{ ref('int_outlook__headlines') }}

),

final as (

    select
        cast(statements.commodity_code as string) as commodity_code,
        cast(statements.as_of_date as date) as as_of_date,
        {{ as_moment('statements.decision_at') }} as decision_at,
        cast(statements.horizon as string) as horizon,
        cast(statements.profile as string) as profile,
        cast(
            case
                when statements.is_rejected then 'rejected'
                when statements.is_early then 'draft'
                when statements.is_fallback then 'fallback'
                else 'validated'
            end as string
        ) as status,
        cast(statements.status_reason as string) as status_reason,
        cast(statements.coverage as double) as coverage,
        cast(forecasts.probability_up as double) as probability_up,
        cast(forecasts.call as bigint) as call,
        cast(forecasts.call_reason as string) as call_reason,
        cast(statements.stance as bigint) as stance,
        cast(
            concat_ws(';', statements.stance_reason, case when statements.stance <> 0.0 then track.track_reason end) as string
        ) as stance_reason,
        cast(statements.evidence_share as double) as evidence_share,
        cast(forecasts.expected_move_pct as double) as expected_move_pct,
        cast(forecasts.interval80_low_cny_t as double) as interval80_low_cny_t,
        cast(forecasts.interval80_high_cny_t as double) as interval80_high_cny_t,
        cast(forecasts.forecast_score as double) as forecast_score,
        cast(statements.score as double) as sentiment_score,
        cast(sentiment.contribution_policy as double) as contribution_policy,
        cast(sentiment.contribution_receipts as double) as contribution_receipts,
        cast(sentiment.contribution_money as double) as contribution_money,
        cast(sentiment.contribution_fundamentals as double) as contribution_fundamentals,
        cast(figures.trend_state as string) as trend_state,
        cast(statements.risk_flags as string) as risk_flags,
        cast(headlines.headline_en as string) as headline_en,
        cast(headlines.headline_zh as string) as headline_zh,
        cast(forecasts.call_track_n as bigint) as call_track_n,
        cast(forecasts.call_track_hit_ratio as double) as call_track_hit_ratio,
        cast(forecasts.call_track_skill as double) as call_track_skill,
        cast(forecasts.call_track_skill_low as double) as call_track_skill_low,
        cast(forecasts.call_track_skill_high as double) as call_track_skill_high,
        cast(forecasts.call_track_base_ratio as double) as call_track_base_ratio,
        cast(track.track_n as bigint) as stance_track_n,
        cast(track.hit_ratio as double) as stance_track_hit_ratio,
        cast(track.base_ratio as double) as stance_track_base_ratio,
        cast(track.hit_ratio_low as double) as stance_track_low,
        cast(track.hit_ratio_high as double) as stance_track_high,
        {{ as_moment('statements.valid_until') }} as valid_until,
        cast(digests.model_version as string) as model_version,
        cast(md5(sentiment.inputs_hash || digests.metrics_hash) as string) as inputs_hash,
        cast(statements.data_origin as string) as data_origin,
        cast(
            case
                when statements.data_origin = 'sample' then 'SAMPLE DATA, largely simulated. Not a statement about the market, not investment advice.'
                else 'Rule-based indication from public and licensed data. Not investment advice.'
            end as string
        ) as disclaimer,
        cast(figures.dominant_contract as string) as dominant_contract,
        cast(figures.close_cny_t as double) as close_cny_t,
        cast(figures.settle_cny_t as double) as settle_cny_t,
        cast(figures.ret_c_ps_pct as double) as ret_c_ps_pct,
        cast(figures.ret_cc_1d_pct as double) as ret_cc_1d_pct,
        cast(figures.ret_cc_2d_pct as double) as ret_cc_2d_pct,
        cast(figures.receipts_t as double) as receipts_t,
        cast(figures.squeeze_ratio as double) as squeeze_ratio,
        cast(figures.spot_cny_t as double) as spot_cny_t,
        cast(figures.premium_rate_pct as double) as premium_rate_pct,
        cast(figures.cost_full_cny_t as double) as cost_full_cny_t,
        cast(figures.profit_cny_t as double) as profit_cny_t,
        cast(figures.import_profit_cny_t as double) as import_profit_cny_t,
        cast(figures.quotes_date as date) as quotes_date,
        cast(figures.receipts_date as date) as receipts_date,
        cast(figures.spot_date as date) as spot_date,
        cast(
            case
                when statements.stance > 0 then 'up'
                when statements.stance < 0 then 'down'
                when statements.stance = 0 then 'sideways'
                else 'undecided'
            end as string
        ) as direction,
        cast(sentiment.score_band_low as double) as score_band_low,
        cast(sentiment.score_band_high as double) as score_band_high,
        cast(sentiment.missing_blocks as string) as missing_blocks,
        cast(statements.rule_ids as string) as rule_ids,
        cast(statements.weakened_flags as string) as weakened_flags,
        cast(statements.conflicts as string) as conflicts,
        cast(statements.watchlist as string) as watchlist,
        cast(statements.tail as string) as tail,
        cast(statements.volatility_regime as string) as volatility_regime,
        cast(figures.support_levels as string) as support_levels,
        cast(figures.resistance_levels as string) as resistance_levels,
        cast(figures.trigger_level_cny_t as double) as trigger_level_cny_t,
        cast(figures.premium_clock as string) as premium_clock,
        cast(figures.spot_leg as string) as spot_leg,
        cast(figures.spot_provider as string) as spot_provider,
        cast(figures.cost_model_id as string) as cost_model_id,
        cast(figures.cost_provider as string) as cost_provider,
        cast(figures.legs_null_reason as string) as legs_null_reason
    from statements
    inner join sentiment
        on
            statements.commodity_code = sentiment.commodity_code
            and statements.as_of_date = sentiment.as_of_date
    inner join digests
        on
            statements.commodity_code = digests.commodity_code
            and statements.as_of_date = digests.as_of_date
    inner join headlines
        on
            statements.commodity_code = headlines.commodity_code
            and statements.as_of_date = headlines.as_of_date
            and statements.horizon = headlines.horizon
    inner join figures
        on
            statements.commodity_code = figures.commodity_code
            and statements.as_of_date = figures.as_of_date
    inner join forecasts
        on
            statements.commodity_code = forecasts.commodity_code
            and statements.as_of_date = forecasts.as_of_date
            and statements.horizon = forecasts.horizon
    left join track
        on
            statements.commodity_code = track.commodity_code
            and statements.as_of_date = track.as_of_date
            and statements.horizon = track.horizon

)

select * from final
