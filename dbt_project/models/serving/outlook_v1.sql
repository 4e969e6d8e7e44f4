-- One statement a decision and horizon, composed from rows: the engine's levels and flags, the score, the facts they stand on. Below the
-- minimum of coverage, or with stale facts, the row says so and takes no stance.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

effects as (

    select * from {{ ref('int_outlook__effects') }}

),

sentiment as (

    select * from {{ ref('fct_sentiment_daily') }}

),

signals as (

    select * from {{ ref('int_outlook__signals') }}

),

metrics as (

    select * from {{ ref('int_outlook__metrics') }}

),

levels as (

    select * from {{ ref('int_outlook__levels') }}

),

futures as (

    select * from {{ ref('int_futures__daily') }}
    where reading = 'decided' and is_dominant

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

commodities as (

    select * from {{ ref('dim_commodity') }}

),

-- The quotes known at the decision: a file that came after it is as if it were not there.
known_futures as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        max(futures.trade_date) as quotes_date
    from decisions
    inner join signals
        on
            decisions.commodity_code = signals.commodity_code
            and decisions.as_of_date = signals.as_of_date
            and signals.signal = 'volume_oi_ratio'
    inner join futures
        on
            decisions.commodity_code = futures.commodity_code
            and signals.data_date = futures.trade_date
    group by decisions.commodity_code, decisions.as_of_date

),

known_signals as (

    select
        commodity_code,
        {%- for signal in ['receipts_t', 'spot_cny_t'] %}
        max(case when signal = '{{ signal }}' then signal_value end) as {{ signal }},
        max(case when signal = '{{ signal }}' then data_date end) as {{ signal }}_date,
        {%- endfor %}
        {%- for signal in ['premium_rate_pct', 'cost_full_cny_t', 'profit_cny_t', 'import_profit_cny_t', 'squeeze_ratio'] %}
        max(case when signal = '{{ signal }}' then signal_value end) as {{ signal }},
        {%- endfor %}
        as_of_date
    from signals
    group by commodity_code, as_of_date

),

-- Which weights and rules spoke: a row added for later days, or a file renamed, leaves the versions before as they were.
weights as (

    select
        commodity_code,
        as_of_date,
        cast(max(valid_from) as varchar) || '+' || substr(md5({{ joined("component || ':' || fingerprint", 'component') }}), 1, 8) as version
    from {{ ref('int_sentiment__components') }}
    group by commodity_code, as_of_date

),

rule_book as (

    select
        rules.commodity_code,
        rules.as_of_date,
        cast(max(rules.valid_from) as varchar) || '+'
        || substr(md5({{ joined("rules.rule_id || ':' || texts.fingerprint", 'rules.rule_id') }}), 1, 8) as version
    from {{ ref('int_outlook__rules') }} as rules
    inner join {{ ref('stg_catalog__rules') }} as texts
        on
            rules.rule_id = texts.rule_id
            and rules.valid_from = texts.valid_from
    group by rules.commodity_code, rules.as_of_date

),

-- A hash of every figure the rules read.
digests as (

    select
        metrics.commodity_code,
        metrics.as_of_date,
        weights.version || '/' || rule_book.version as model_version,
        md5({{ joined(
            "concat_ws(':', metrics.metric, coalesce(cast(round(metrics.metric_value, 9) + 0.0 as varchar), ''), coalesce(cast(metrics.data_date as varchar), ''))",
            'metrics.metric'
        ) }}) as metrics_hash
    from metrics
    inner join weights
        on
            metrics.commodity_code = weights.commodity_code
            and metrics.as_of_date = weights.as_of_date
    inner join rule_book
        on
            metrics.commodity_code = rule_book.commodity_code
            and metrics.as_of_date = rule_book.as_of_date
    group by metrics.commodity_code, metrics.as_of_date, weights.version, rule_book.version

),

-- As text, nearest first, without the commas a spreadsheet would stumble on; the rows stand in the companion table.
key_levels as (

    select
        commodity_code,
        as_of_date,
        {%- set level = 'cast(cast(round(level_cny_t) as bigint) as varchar)' %}
        {{ joined("case when side = 'support' then " ~ level ~ ' end', 'level_cny_t desc') }} as support_levels,
        {{ joined("case when side = 'resistance' then " ~ level ~ ' end', 'level_cny_t') }} as resistance_levels,
        max(case when is_trigger then level_cny_t end) as trigger_level_cny_t
    from levels
    group by commodity_code, as_of_date

),

stated as (

    select
        effects.*,
        decisions.decision_at,
        decisions.valid_until,
        decisions.data_origin,
        sentiment.score,
        sentiment.score_band_low,
        sentiment.score_band_high,
        sentiment.coverage,
        sentiment.contribution_policy,
        sentiment.contribution_receipts,
        sentiment.contribution_money,
        sentiment.contribution_fundamentals,
        sentiment.missing_blocks,
        digests.model_version,
        md5(sentiment.inputs_hash || digests.metrics_hash) as inputs_hash,
        commodities.name_en,
        commodities.name_zh,
        -- Before the usual time of the day a statement is a draft.
        decisions.decision_at < {{ shanghai_time('decisions.as_of_date', 'parameters.decision_time_minutes') }} as is_early
    from effects
    inner join decisions
        on
            effects.commodity_code = decisions.commodity_code
            and effects.as_of_date = decisions.as_of_date
    inner join sentiment
        on
            effects.commodity_code = sentiment.commodity_code
            and effects.as_of_date = sentiment.as_of_date
    inner join digests
        on
            effects.commodity_code = digests.commodity_code
            and effects.as_of_date = digests.as_of_date
    inner join commodities on effects.commodity_code = commodities.commodity_code
    inner join parameters on effects.commodity_code = parameters.commodity_code

),

judged as (

    select
        stated.*,
        known_futures.quotes_date,
        futures.contract_code as dominant_contract,
        futures.close_cny_t,
        futures.settle_cny_t,
        futures.ret_cc_1d_pct,
        futures.ret_cc_2d_pct,
        futures.trend_state,
        known_signals.receipts_t,
        known_signals.receipts_t_date as receipts_date,
        known_signals.spot_cny_t,
        known_signals.spot_cny_t_date as spot_date,
        known_signals.premium_rate_pct,
        known_signals.cost_full_cny_t,
        known_signals.profit_cny_t,
        known_signals.import_profit_cny_t,
        known_signals.squeeze_ratio,
        key_levels.support_levels,
        key_levels.resistance_levels,
        key_levels.trigger_level_cny_t,
        case when not stated.is_rejected and stated.score is not null then stated.stance end as final_stance,
        case when not stated.is_rejected and stated.score is not null then stated.confidence end as final_confidence
    from stated
    left join known_futures
        on
            stated.commodity_code = known_futures.commodity_code
            and stated.as_of_date = known_futures.as_of_date
    left join futures
        on
            known_futures.commodity_code = futures.commodity_code
            and known_futures.quotes_date = futures.trade_date
    left join known_signals
        on
            stated.commodity_code = known_signals.commodity_code
            and stated.as_of_date = known_signals.as_of_date
    left join key_levels
        on
            stated.commodity_code = key_levels.commodity_code
            and stated.as_of_date = key_levels.as_of_date

),

worded as (

    select
        *,
        concat_ws(
            ' ',
            name_en || ', ' || horizon || ' term: '
            || case final_stance
                when 2 then 'strongly up' when 1 then 'up' when 0 then 'sideways' when -1 then 'down' when -2 then 'strongly down'
            end
            || case when volatility_regime is not null then ' with ' || volatility_regime || ' volatility' else '' end
            || case when tail is not null then ', tail ' || tail else '' end
            || ' (confidence ' || {{ number_text('final_confidence', 2) }} || ', score ' || {{ number_text('score', 1, signed=true) }} || ').',
            dominant_contract || ' closed at ' || {{ number_text('close_cny_t', 0) }} || ' CNY/t'
            || coalesce(', ' || {{ number_text('ret_cc_1d_pct', 2, signed=true) }} || ' % on the day', '')
            || coalesce(', ' || {{ number_text('ret_cc_2d_pct', 2, signed=true) }} || ' % in two sessions', '') || '.',
            'Registered receipts ' || {{ number_text('receipts_t', 0) }} || ' t.',
            'Futures stand ' || {{ number_text('abs(premium_rate_pct)', 2) }}
            || case when premium_rate_pct < 0.0 then ' % below spot.' else ' % above spot.' end,
            'Risks: ' || replace(risks_en, ';', '; ') || '.'
        ) as sentence_en,
        concat_ws(
            '',
            name_zh || case horizon when 'short' then '短期' when 'medium' then '中期' else '长期' end || '：'
            || case final_stance when 2 then '强烈看涨' when 1 then '看涨' when 0 then '震荡' when -1 then '看跌' when -2 then '强烈看跌' end
            || case when volatility_regime = 'high' then '、高波动' else '' end
            || case when tail = 'up' then '、上行尾部风险' else '' end
            || '（置信度' || {{ number_text('final_confidence', 2) }} || '，评分' || {{ number_text('score', 1, signed=true) }} || '）。',
            dominant_contract || '收于' || {{ number_text('close_cny_t', 0) }} || '元/吨'
            || coalesce('，较前收' || {{ number_text('ret_cc_1d_pct', 2, signed=true) }} || '%', '')
            || coalesce('，两日' || {{ number_text('ret_cc_2d_pct', 2, signed=true) }} || '%', '') || '。',
            '注册仓单' || {{ number_text('receipts_t', 0) }} || '吨。',
            '期货较现货' || case when premium_rate_pct < 0.0 then '贴水' else '升水' end || {{ number_text('abs(premium_rate_pct)', 2) }} || '%。',
            '风险：' || replace(risks_zh, ';', '；') || '。'
        ) as sentence_zh
    from judged

),

final as (

    select
        cast(commodity_code as varchar) as commodity_code,
        cast(as_of_date as date) as as_of_date,
        cast(decision_at as timestamp with time zone) as decision_at,
        cast(horizon as varchar) as horizon,
        cast(final_stance as bigint) as stance,
        cast(
            case
                when final_stance > 0 then 'up' when final_stance < 0 then 'down' when final_stance = 0 then 'sideways' else 'undecided'
            end as varchar
        ) as direction,
        cast(final_confidence as double) as confidence,
        cast(score as double) as score,
        cast(score_band_low as double) as score_band_low,
        cast(score_band_high as double) as score_band_high,
        cast(coverage as double) as coverage,
        cast(contribution_policy as double) as contribution_policy,
        cast(contribution_receipts as double) as contribution_receipts,
        cast(contribution_money as double) as contribution_money,
        cast(contribution_fundamentals as double) as contribution_fundamentals,
        cast(missing_blocks as varchar) as missing_blocks,
        cast(case when is_rejected or score is null then 'rejected' when is_early then 'draft' else 'validated' end as varchar) as status,
        cast(status_reason as varchar) as status_reason,
        cast(rule_ids as varchar) as rule_ids,
        cast(risk_flags as varchar) as risk_flags,
        cast(weakened_flags as varchar) as weakened_flags,
        cast(conflicts as varchar) as conflicts,
        cast(watchlist as varchar) as watchlist,
        cast(tail as varchar) as tail,
        cast(volatility_regime as varchar) as volatility_regime,
        cast(support_levels as varchar) as support_levels,
        cast(resistance_levels as varchar) as resistance_levels,
        cast(trigger_level_cny_t as double) as trigger_level_cny_t,
        cast(
            case
                when is_rejected or score is null
                    then
                        'No statement: ' || coalesce(replace(rejections_en, ';', '; '), 'there is no score')
                        || '; what is known covers ' || {{ number_text('100.0 * coalesce(coverage, 0.0)', 0) }} || ' % of the score.'
                else sentence_en
            end as varchar
        ) as headline_en,
        cast(
            case
                when is_rejected or score is null
                    then
                        '不作判断：' || coalesce(replace(rejections_zh, ';', '；'), '无评分')
                        || '；已知数据覆盖评分的' || {{ number_text('100.0 * coalesce(coverage, 0.0)', 0) }} || '%。'
                else sentence_zh
            end as varchar
        ) as headline_zh,
        cast(dominant_contract as varchar) as dominant_contract,
        cast(close_cny_t as double) as close_cny_t,
        cast(settle_cny_t as double) as settle_cny_t,
        cast(ret_cc_1d_pct as double) as ret_cc_1d_pct,
        cast(ret_cc_2d_pct as double) as ret_cc_2d_pct,
        cast(trend_state as varchar) as trend_state,
        cast(receipts_t as double) as receipts_t,
        cast(squeeze_ratio as double) as squeeze_ratio,
        cast(spot_cny_t as double) as spot_cny_t,
        cast(premium_rate_pct as double) as premium_rate_pct,
        cast(cost_full_cny_t as double) as cost_full_cny_t,
        cast(profit_cny_t as double) as profit_cny_t,
        cast(import_profit_cny_t as double) as import_profit_cny_t,
        cast(quotes_date as date) as quotes_date,
        cast(receipts_date as date) as receipts_date,
        cast(spot_date as date) as spot_date,
        cast(valid_until as timestamp with time zone) as valid_until,
        cast(model_version as varchar) as model_version,
        cast(inputs_hash as varchar) as inputs_hash,
        cast(data_origin as varchar) as data_origin,
        cast(
            case
                when data_origin = 'sample' then 'SAMPLE DATA, largely simulated. Not a statement about the market, not investment advice.'
                else 'Rule-based indication from public and licensed data. Not investment advice.'
            end as varchar
        ) as disclaimer
    from worded

)

select * from final
