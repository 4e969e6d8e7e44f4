-- Two readings of each session (macro readings): with all revisions, and as it was decided on.
with quotes as (

    {{ readings(ref('int_contracts__quotes')) }}

),

dominant as (

    select * from {{ ref('int_contracts__dominant') }}

),

sessions as (

    select * from {{ ref('int_contracts__sessions') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

specs as (

    select * from {{ ref('int_commodities__specs') }}

),

terms as (

    select * from {{ ref('int_commodities__terms') }}

),

-- Filtered here: a condition across both sides of an outer join would make every pair of rows meet.
limits as (

    select *
    from ({{ readings(ref('int_contracts__limits')) }}) as printed
    where reading = 'latest' or available_at <= decided_by

),

nights as (

    select * from {{ ref('int_futures__session') }}
    where session = 'night'

),

calendar as (

    select * from {{ ref('int_calendar__sessions') }}

),

-- A contract that did not trade has no close, whatever the file fills in: a return needs two trades.
traded as (

    select
        quotes.*,
        case when quotes.volume_lots > 0 then quotes.close_cny_t end as traded_close_cny_t
    from quotes

),

-- A return needs both ends: a session that is missing in between, or had not come by the decision, makes it null, it is never bridged.
neighbours as (

    select
        traded.*,
        days.session_index,
        {%- for n in [1, 2, 5] %}
        case
            when
                lag(days.session_index, {{ n }}) over contract_days = days.session_index - {{ n }}
                and {{ had_come('max(traded.available_at) over prior_' ~ n, 'traded') }}
                then lag(traded.traded_close_cny_t, {{ n }}) over contract_days
        end as close_before_{{ n }},
        {%- endfor %}
        case
            when
                lag(days.session_index, 2) over contract_days = days.session_index - 2
                and {{ had_come('max(traded.available_at) over prior_2', 'traded') }}
                then lag(traded.settle_cny_t, 2) over contract_days
        end as settle_before_2
    from traded
    inner join days on traded.trade_date = days.trade_date
    window
        contract_days as (partition by traded.reading, traded.contract_code order by traded.trade_date),
        prior_1 as (partition by traded.reading, traded.contract_code order by traded.trade_date rows between 1 preceding and 1 preceding),
        prior_2 as (partition by traded.reading, traded.contract_code order by traded.trade_date rows between 2 preceding and 1 preceding),
        prior_5 as (partition by traded.reading, traded.contract_code order by traded.trade_date rows between 5 preceding and 1 preceding)

),

returns as (

    select
        *,
        {{ pct('traded_close_cny_t', 'close_before_1') }} as ret_cc_1d_pct,
        {{ pct('traded_close_cny_t', 'close_before_2') }} as ret_cc_2d_pct,
        {{ pct('traded_close_cny_t', 'close_before_5') }} as ret_cc_5d_pct,
        {{ pct('settle_cny_t', 'settle_before_2') }} as ret_ss_2d_pct,
        {{ pct('traded_close_cny_t', 'pre_settle_cny_t') }} as ret_c_ps_pct,
        {{ pct('settle_cny_t', 'pre_settle_cny_t') }} as ret_s_ps_pct
    from neighbours

),

windows as (

    select
        *,
        case
            when count(traded_close_cny_t) over last_20 = 20 and {{ had_come('max(available_at) over prior_19') }}
                then avg(traded_close_cny_t) over last_20
        end as ma20_cny_t,
        case
            when count(ret_cc_1d_pct) over last_20 = 20 and {{ had_come('max(available_at) over prior_19') }}
                then stddev_samp(ret_cc_1d_pct) over last_20
        end as sigma20_pct,
        -- The day itself is not part of what it is compared with.
        case
            when
                lag(session_index, 20) over contract_days = session_index - 20
                and {{ had_come('max(available_at) over prior_20') }}
                then volume_lots / nullif(avg(volume_lots) over prior_20, 0.0)
        end as volume_ratio_20d,
        -- Decided, nothing is taken from earlier sessions that had not come by the day's own decision.
        case when reading = 'latest' then max(available_at) over prior_20 end as history_available_at
    from returns
    window
        contract_days as (partition by reading, contract_code order by trade_date),
        last_20 as (partition by reading, contract_code order by trade_date rows between 19 preceding and current row),
        prior_19 as (partition by reading, contract_code order by trade_date rows between 19 preceding and 1 preceding),
        prior_20 as (partition by reading, contract_code order by trade_date rows between 20 preceding and 1 preceding)

),

contract_terms as (

    select
        sessions_held.commodity_code,
        sessions_held.trade_date,
        max(case when terms.term = 'limit_ratio' then terms.term_value end)
        * max(case
            when terms.term = 'first_day_limit_multiple' and sessions_held.trade_date = commodities.listing_date then terms.term_value
            else 1.0
        end) as limit_ratio,
        max(case when terms.term = 'margin_ratio' and terms.scope = 'spec' then terms.term_value end) as spec_margin_ratio,
        -- Trading begins in the morning of the listing date.
        max(case when terms.term = 'night_session' and sessions_held.trade_date > commodities.listing_date then terms.term_value end) = 1.0
            as trades_at_night
    from (
        select distinct
            commodity_code,
            trade_date
        from quotes
    ) as sessions_held
    inner join commodities on sessions_held.commodity_code = commodities.commodity_code
    left join terms
        on
            sessions_held.commodity_code = terms.commodity_code
            and sessions_held.trade_date >= terms.valid_from
            and (terms.superseded_from is null or sessions_held.trade_date < terms.superseded_from)
    group by sessions_held.commodity_code, sessions_held.trade_date

),

-- The exchange's own row for the day, where it was known by the day's decision (of history as it was lived) or at all; else the term.
ruled as (

    select
        windows.*,
        specs.tick_cny_t,
        coalesce(limits.upper_limit_ratio, contract_terms.limit_ratio) as limit_ratio,
        coalesce(limits.lower_limit_ratio, contract_terms.limit_ratio) as lower_ratio,
        case
            when limits.upper_limit_ratio is not null then 'exchange_file'
            when contract_terms.limit_ratio is not null then 'term'
        end as limit_source,
        coalesce(limits.spec_long_margin_ratio, contract_terms.spec_margin_ratio) as spec_margin_ratio,
        case
            when limits.spec_long_margin_ratio is not null then 'exchange_file'
            when contract_terms.spec_margin_ratio is not null then 'term'
        end as margin_source,
        limits.available_at as limits_available_at,
        nights.session_last_cny_t as night_last_cny_t,
        nights.available_at as night_available_at,
        coalesce(contract_terms.trades_at_night, false) and calendar.has_night_session as has_night_session
    from windows
    inner join specs
        on
            windows.commodity_code = specs.commodity_code
            and windows.trade_date >= specs.valid_from
            and (specs.superseded_from is null or windows.trade_date < specs.superseded_from)
    inner join calendar on windows.trade_date = calendar.trade_date
    left join contract_terms
        on
            windows.commodity_code = contract_terms.commodity_code
            and windows.trade_date = contract_terms.trade_date
    left join limits
        on
            windows.reading = limits.reading
            and windows.contract_code = limits.contract_code
            and windows.trade_date = limits.trade_date
    left join nights
        on
            windows.reading = nights.reading
            and windows.contract_code = nights.contract_code
            and windows.trade_date = nights.trade_date

),

-- On the tick, and never beyond the ratio.
bounded as (

    select
        *,
        tick_cny_t * floor(round(pre_settle_cny_t * (1.0 + limit_ratio) / tick_cny_t, 6)) as limit_up_cny_t,
        tick_cny_t * ceil(round(pre_settle_cny_t * (1.0 - lower_ratio) / tick_cny_t, 6)) as limit_down_cny_t
    from ruled

),

final as (

    select
        bounded.reading,
        bounded.commodity_code,
        bounded.trade_date,
        bounded.contract_code,
        bounded.delivery_month,
        bounded.open_cny_t,
        bounded.high_cny_t,
        bounded.low_cny_t,
        bounded.traded_close_cny_t as close_cny_t,
        bounded.settle_cny_t,
        bounded.pre_settle_cny_t,
        bounded.volume_lots,
        bounded.open_interest_lots,
        bounded.open_interest_change_lots,
        bounded.turnover_cny,
        bounded.ret_cc_1d_pct,
        bounded.ret_cc_2d_pct,
        bounded.ret_cc_5d_pct,
        bounded.ret_ss_2d_pct,
        bounded.ret_c_ps_pct,
        bounded.ret_s_ps_pct,
        {{ pct('bounded.night_last_cny_t', 'bounded.pre_settle_cny_t') }} as ret_n_ps_pct,
        {{ pct('bounded.traded_close_cny_t', 'bounded.night_last_cny_t') }} as ret_c_night_pct,
        bounded.ma20_cny_t,
        bounded.sigma20_pct,
        case
            when bounded.ma20_cny_t is null or bounded.sigma20_pct is null or bounded.ret_cc_5d_pct is null then null
            when
                bounded.ret_cc_5d_pct > parameters.trend_sigma_multiple * bounded.sigma20_pct * sqrt(5.0)
                and bounded.traded_close_cny_t > bounded.ma20_cny_t
                then 'up_strong'
            when
                bounded.ret_cc_5d_pct < -parameters.trend_sigma_multiple * bounded.sigma20_pct * sqrt(5.0)
                and bounded.traded_close_cny_t < bounded.ma20_cny_t
                then 'down_strong'
            else 'none'
        end as trend_state,
        bounded.limit_up_cny_t,
        bounded.limit_down_cny_t,
        bounded.limit_ratio,
        bounded.limit_source,
        bounded.traded_close_cny_t >= bounded.limit_up_cny_t
        or bounded.traded_close_cny_t <= bounded.limit_down_cny_t as is_limit_locked,
        bounded.spec_margin_ratio,
        bounded.margin_source,
        bounded.volume_ratio_20d,
        bounded.volume_lots / nullif(cast(bounded.open_interest_lots as double), 0.0) as volume_oi_ratio,
        -- Which figures are missing, each with its reason. No volume printed is no volume of zero: somebody's extract of a file may lack both.
        {%- set no_close = "case when bounded.volume_lots = 0 then 'not_traded' else 'no_close_printed' end" %}
        nullif(concat_ws(
            ';',
            {%- for n in [1, 2, 5] %}
            case
                when bounded.traded_close_cny_t is null then 'ret_cc_{{ n }}d_pct:' || {{ no_close }}
                when bounded.close_before_{{ n }} is null then 'ret_cc_{{ n }}d_pct:no_close_{{ n }}_sessions_before'
            end,
            {%- endfor %}
            case
                when bounded.settle_cny_t is null then 'ret_ss_2d_pct:no_settlement'
                when bounded.settle_before_2 is null then 'ret_ss_2d_pct:no_settlement_2_sessions_before'
            end,
            case
                when bounded.traded_close_cny_t is null then 'ret_c_ps_pct:' || {{ no_close }}
                when bounded.pre_settle_cny_t is null then 'ret_c_ps_pct:no_settlement_before'
            end,
            case
                when bounded.settle_cny_t is null then 'ret_s_ps_pct:no_settlement'
                when bounded.pre_settle_cny_t is null then 'ret_s_ps_pct:no_settlement_before'
            end,
            case
                when not bounded.has_night_session then 'ret_n_ps_pct:no_night_session'
                when bounded.night_last_cny_t is null then 'ret_n_ps_pct:no_night_bars'
                when bounded.pre_settle_cny_t is null then 'ret_n_ps_pct:no_settlement_before'
            end,
            case
                when bounded.traded_close_cny_t is null then 'ret_c_night_pct:' || {{ no_close }}
                when not bounded.has_night_session then 'ret_c_night_pct:no_night_session'
                when bounded.night_last_cny_t is null then 'ret_c_night_pct:no_night_bars'
            end,
            case when bounded.volume_ratio_20d is null then 'volume_ratio_20d:too_few_observations' end,
            case when coalesce(bounded.open_interest_lots, 0) = 0 then 'volume_oi_ratio:no_open_interest' end,
            {%- for limit, ratio in [('limit_up_cny_t', 'limit_ratio'), ('limit_down_cny_t', 'lower_ratio')] %}
            case
                when bounded.pre_settle_cny_t is null then '{{ limit }}:no_settlement_before'
                when bounded.{{ ratio }} is null then '{{ limit }}:no_limit'
            end,
            {%- endfor %}
            case when bounded.ma20_cny_t is null then 'ma20_cny_t:too_few_observations' end,
            case when bounded.sigma20_pct is null then 'sigma20_pct:too_few_observations' end,
            case
                when bounded.ma20_cny_t is null or bounded.sigma20_pct is null then 'trend_state:too_few_observations'
                when bounded.close_before_5 is null then 'trend_state:no_close_5_sessions_before'
            end
        ), '') as null_reason,
        bounded.contract_code = dominant.contract_code as is_dominant,
        bounded.volume_lots > 0 as is_traded,
        bounded.settle_cny_t is not null as is_final,
        sessions.last_session_index - bounded.session_index as sessions_to_last_trading_day,
        bounded.decided_by,
        -- When the day's quotes could be known, when the exchange's file of its limits and margins, and when all that the row shows.
        bounded.available_at,
        bounded.limits_available_at,
        greatest(bounded.available_at, bounded.limits_available_at, bounded.night_available_at, bounded.history_available_at) as known_at,
        bounded.vintage,
        bounded.source,
        bounded.data_origin,
        bounded.payload_sha256
    from bounded
    inner join parameters on bounded.commodity_code = parameters.commodity_code
    inner join sessions on bounded.contract_code = sessions.contract_code
    left join dominant
        on
            bounded.commodity_code = dominant.commodity_code
            and bounded.trade_date = dominant.trade_date

)

select * from final
