-- The figures a statement shows beside what it says, as known at its decision.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

signals as (

    select * from {{ ref('int_outlook__signals') }}

),

levels as (

    select * from {{ ref('int_outlook__levels') }}

),

futures as (

    select * from {{ ref('int_futures__daily') }}
    where reading = 'decided' and is_dominant

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
        {%- for signal in ['premium_rate_pct', 'spot_cny_t', 'cost_full_cny_t'] %}
        max(case when signal = '{{ signal }}' then leg end) as {{ signal }}_leg,
        {%- endfor %}
        as_of_date
    from signals
    group by commodity_code, as_of_date

),

-- As text, nearest first, without the commas a spreadsheet would stumble on; the rows stand in the companion table.
key_levels as (

    select
        commodity_code,
        as_of_date,
        {%- set level = 'cast(cast(round(level_cny_t) as bigint) as string)' %}
        {{ joined("case when side = 'support' then " ~ level ~ ' end', 'level_cny_t desc') }} as support_levels,
        {{ joined("case when side = 'resistance' then " ~ level ~ ' end', 'level_cny_t') }} as resistance_levels,
        max(case when is_trigger then level_cny_t end) as trigger_level_cny_t
    from levels
    group by commodity_code, as_of_date

),

final as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        known_futures.quotes_date,
        futures.contract_code as dominant_contract,
        futures.close_cny_t,
        futures.settle_cny_t,
        futures.ret_cc_1d_pct,
        futures.ret_c_ps_pct,
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
        {{ leg_part('known_signals.premium_rate_pct_leg', 1) }} as premium_clock,
        coalesce({{ leg_part('known_signals.spot_cny_t_leg', 1) }}, {{ leg_part('known_signals.premium_rate_pct_leg', 2) }}) as spot_leg,
        {{ leg_part('known_signals.spot_cny_t_leg', 2) }} as spot_provider,
        {{ leg_part('known_signals.cost_full_cny_t_leg', 1) }} as cost_model_id,
        {{ leg_part('known_signals.cost_full_cny_t_leg', 2) }} as cost_provider,
        nullif(
            concat_ws(
                ';',
                case when known_signals.premium_rate_pct is null then 'premium_rate_pct:no_premium_known' end,
                case when known_signals.spot_cny_t is null then 'spot_cny_t:no_spot_price_known' end,
                case when known_signals.cost_full_cny_t is null then 'cost_full_cny_t:no_daily_cost' end
            ),
            ''
        ) as legs_null_reason
    from decisions
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
    left join key_levels
        on
            decisions.commodity_code = key_levels.commodity_code
            and decisions.as_of_date = key_levels.as_of_date

)

select * from final
