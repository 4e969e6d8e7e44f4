with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

drivers as (

    select * from {{ ref('outlook_drivers') }}

),

signals as (

    select * from {{ ref('int_outlook__signals') }}

),

futures as (

    select * from {{ ref('fct_futures_daily') }}
    where is_dominant

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

days as (

    select * from {{ ref('dim_trading_day') }}

),

scores as (

    select
        commodity_code,
        as_of_date,
        max(config_version) as config_version,
        sum(contribution) as score,
        coalesce(sum(case when component_score is not null then weight end), 0.0) / sum(weight) as coverage,
        {%- for block in ['policy', 'receipts', 'money', 'fundamentals'] %}
        sum(case when block = '{{ block }}' then contribution end) as contribution_{{ block }},
        {%- endfor %}
        md5({{ joined("component || ':' || coalesce(cast(signal_value as varchar), '') || ':' || coalesce(payload_sha256, '')", 'component') }})
            as inputs_hash
    from drivers
    group by commodity_code, as_of_date

),

-- The quotes known at the decision: a file that came after it is as if it were not there.
known_futures as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        max(futures.trade_date) as quotes_date
    from decisions
    inner join futures
        on
            decisions.commodity_code = futures.commodity_code
            and decisions.as_of_date >= futures.trade_date
            and decisions.decision_at >= futures.available_at
    inner join days on futures.trade_date = days.trade_date
    inner join parameters on decisions.commodity_code = parameters.commodity_code
    where decisions.session_index - days.session_index <= parameters.fact_maximum_age_sessions
    group by decisions.commodity_code, decisions.as_of_date

),

known_signals as (

    select
        commodity_code,
        as_of_date,
        {%- for signal in ['receipts_t', 'spot_cny_t'] %}
        max(case when signal = '{{ signal }}' then signal_value end) as {{ signal }},
        max(case when signal = '{{ signal }}' then data_date end) as {{ signal }}_date,
        {%- endfor %}
        max(case when signal = 'premium_rate_pct' then signal_value end) as premium_rate_pct
    from signals
    group by commodity_code, as_of_date

),

horizons as (

    select 'short' as horizon
    union all
    select 'medium' as horizon
    union all
    select 'long' as horizon

),

judged as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        decisions.decision_at,
        horizons.horizon,
        decisions.valid_until,
        scores.score,
        scores.coverage,
        scores.contribution_policy,
        scores.contribution_receipts,
        scores.contribution_money,
        scores.contribution_fundamentals,
        scores.config_version,
        scores.inputs_hash,
        futures.contract_code as dominant_contract,
        futures.trade_date as quotes_date,
        futures.close_cny_t,
        futures.settle_cny_t,
        futures.ret_cc_1d_pct,
        futures.trend_state,
        decisions.data_origin,
        known_signals.receipts_t,
        known_signals.receipts_t_date as receipts_date,
        known_signals.spot_cny_t,
        known_signals.spot_cny_t_date as spot_date,
        known_signals.premium_rate_pct,
        parameters.coverage_minimum,
        parameters.confidence_base,
        -- Rule O1 and its mirror decide the short horizon; the longer ones need the policy and fundamentals blocks.
        case
            when horizons.horizon <> 'short' and (scores.contribution_fundamentals is null or scores.contribution_policy is null) then null
            when scores.score is null or futures.trend_state is null then null
            when horizons.horizon = 'short' and scores.score >= parameters.stance_score and futures.trend_state = 'up_strong' then 1
            when horizons.horizon = 'short' and scores.score <= -parameters.stance_score and futures.trend_state = 'down_strong' then -1
            else 0
        end as stance,
        nullif(
            concat_ws(
                ';',
                case when scores.contribution_policy is null then 'policy' end,
                case when scores.contribution_receipts is null then 'receipts' end,
                case when scores.contribution_money is null then 'money' end,
                case when scores.contribution_fundamentals is null then 'fundamentals' end
            ),
            ''
        ) as missing_blocks
    from decisions
    cross join horizons
    inner join parameters on decisions.commodity_code = parameters.commodity_code
    inner join scores
        on
            decisions.commodity_code = scores.commodity_code
            and decisions.as_of_date = scores.as_of_date
    left join known_futures
        on
            decisions.commodity_code = known_futures.commodity_code
            and decisions.as_of_date = known_futures.as_of_date
    left join futures
        on
            known_futures.commodity_code = futures.commodity_code
            and known_futures.quotes_date = futures.trade_date
    left join known_signals
        on
            decisions.commodity_code = known_signals.commodity_code
            and decisions.as_of_date = known_signals.as_of_date

),

reasoned as (

    select
        *,
        nullif(
            concat_ws(
                ';',
                case when coverage < coverage_minimum then 'coverage_below_minimum' end,
                case when quotes_date is null then 'no_quotes' when quotes_date < as_of_date then 'stale_quotes' end,
                case when receipts_date is null then 'no_receipts' when receipts_date < as_of_date then 'stale_receipts' end,
                case when spot_date is null then 'no_spot' when spot_date < as_of_date then 'stale_spot' end
            ),
            ''
        ) as status_reason
    from judged

),

final as (

    select
        cast(commodity_code as varchar) as commodity_code,
        cast(as_of_date as date) as as_of_date,
        cast(decision_at as timestamp with time zone) as decision_at,
        cast(horizon as varchar) as horizon,
        cast(stance as bigint) as stance,
        cast(case stance when 1 then 'up' when -1 then 'down' when 0 then 'sideways' else 'undecided' end as varchar) as direction,
        cast(case when stance is not null then confidence_base * coverage end as double) as confidence,
        cast(score as double) as score,
        cast(coverage as double) as coverage,
        cast(contribution_policy as double) as contribution_policy,
        cast(contribution_receipts as double) as contribution_receipts,
        cast(contribution_money as double) as contribution_money,
        cast(contribution_fundamentals as double) as contribution_fundamentals,
        cast(missing_blocks as varchar) as missing_blocks,
        cast(case when status_reason is null then 'validated' else 'draft' end as varchar) as status,
        cast(status_reason as varchar) as status_reason,
        cast(case when stance in (-1, 1) then 'O1' end as varchar) as rule_ids,
        cast(dominant_contract as varchar) as dominant_contract,
        cast(close_cny_t as double) as close_cny_t,
        cast(settle_cny_t as double) as settle_cny_t,
        cast(ret_cc_1d_pct as double) as ret_cc_1d_pct,
        cast(trend_state as varchar) as trend_state,
        cast(receipts_t as double) as receipts_t,
        cast(spot_cny_t as double) as spot_cny_t,
        cast(premium_rate_pct as double) as premium_rate_pct,
        cast(quotes_date as date) as quotes_date,
        cast(receipts_date as date) as receipts_date,
        cast(spot_date as date) as spot_date,
        cast(valid_until as timestamp with time zone) as valid_until,
        cast(config_version as varchar) as model_version,
        cast(inputs_hash as varchar) as inputs_hash,
        cast(data_origin as varchar) as data_origin,
        cast(
            case
                when data_origin = 'sample' then 'SAMPLE DATA, largely simulated. Not a statement about the market, not investment advice.'
                else 'Rule-based indication from public and licensed data. Not investment advice.'
            end as varchar
        ) as disclaimer
    from reasoned

)

select * from final
