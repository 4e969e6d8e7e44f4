-- Two readings of each session (macro readings): with all revisions, and as it was decided on.
with quotes as (

    {{ readings(ref('int_contracts__quotes')) }}

),

dominant as (

    select * from {{ ref('int_contracts__dominant') }}

),

last_days as (

    select * from {{ ref('int_contracts__last_days') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

bounds as (

    select * from {{ ref('int_contracts__bounds') }}

),

nights as (

    select * from {{ ref('int_futures__session') }}
    where session = 'night'

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
        {%- for column, n, before in [
            ('traded_close_cny_t', 1, 'close_before_1'), ('traded_close_cny_t', 2, 'close_before_2'),
            ('traded_close_cny_t', 5, 'close_before_5'), ('settle_cny_t', 2, 'settle_before_2'),
        ] %}
        case
            when
                lag(days.session_index, {{ n }}) over contract_days = days.session_index - {{ n }}
                and {{ had_come('max(traded.available_at) over prior_' ~ n, 'traded') }}
                then lag(traded.{{ column }}, {{ n }}) over contract_days
        end as {{ before }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
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
        {%- for n in [1, 2, 5] %}
        {{ pct('traded_close_cny_t', 'close_before_' ~ n) }} as ret_cc_{{ n }}d_pct,
        {%- endfor %}
        {{ pct('settle_cny_t', 'settle_before_2') }} as ret_ss_2d_pct,
        {{ pct('traded_close_cny_t', 'pre_settle_cny_t') }} as ret_c_ps_pct,
        {{ pct('settle_cny_t', 'pre_settle_cny_t') }} as ret_s_ps_pct
    from neighbours

),

windows as (

    select
        *,
        {%- for measure, column, name in [('avg', 'traded_close_cny_t', 'ma20_cny_t'), ('stddev_samp', 'ret_cc_1d_pct', 'sigma20_pct')] %}
        case
            when count({{ column }}) over last_20 = 20 and {{ had_come('max(available_at) over prior_19') }}
                then {{ measure }}({{ column }}) over last_20
        end as {{ name }},
        {%- endfor %}
        -- The comparison leaves out the day itself.
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

final as (

    select
        windows.reading,
        windows.commodity_code,
        windows.trade_date,
        windows.contract_code,
        windows.delivery_month,
        windows.open_cny_t,
        windows.high_cny_t,
        windows.low_cny_t,
        windows.traded_close_cny_t as close_cny_t,
        windows.settle_cny_t,
        windows.pre_settle_cny_t,
        windows.volume_lots,
        windows.open_interest_lots,
        windows.open_interest_change_lots,
        windows.turnover_cny,
        windows.ret_cc_1d_pct,
        windows.ret_cc_2d_pct,
        windows.ret_cc_5d_pct,
        windows.ret_ss_2d_pct,
        windows.ret_c_ps_pct,
        windows.ret_s_ps_pct,
        {{ pct('nights.session_last_cny_t', 'windows.pre_settle_cny_t') }} as ret_n_ps_pct,
        {{ pct('windows.traded_close_cny_t', 'nights.session_last_cny_t') }} as ret_c_night_pct,
        windows.ma20_cny_t,
        windows.sigma20_pct,
        case
            when windows.ma20_cny_t is null or windows.sigma20_pct is null or windows.ret_cc_5d_pct is null then null
            when
                windows.ret_cc_5d_pct > parameters.trend_sigma_multiple * windows.sigma20_pct * sqrt(5.0)
                and windows.traded_close_cny_t > windows.ma20_cny_t
                then 'up_strong'
            when
                windows.ret_cc_5d_pct < -parameters.trend_sigma_multiple * windows.sigma20_pct * sqrt(5.0)
                and windows.traded_close_cny_t < windows.ma20_cny_t
                then 'down_strong'
            else 'none'
        end as trend_state,
        bounds.limit_up_cny_t,
        bounds.limit_down_cny_t,
        bounds.limit_ratio,
        bounds.limit_source,
        windows.traded_close_cny_t >= bounds.limit_up_cny_t
        or windows.traded_close_cny_t <= bounds.limit_down_cny_t as is_limit_locked,
        bounds.spec_margin_ratio,
        bounds.margin_source,
        windows.volume_ratio_20d,
        windows.volume_lots / nullif(cast(windows.open_interest_lots as double), 0.0) as volume_oi_ratio,
        -- A missing volume is not zero: an extract of a file may lack the column.
        {%- set not_traded = 'windows.traded_close_cny_t is null and windows.volume_lots = 0' %}
        {%- set no_close = 'windows.traded_close_cny_t is null' %}
        {%- set no_settlement_before = 'windows.pre_settle_cny_t is null' %}
        {{ reasons({
            'ret_cc_1d_pct': {not_traded: 'not_traded', no_close: 'no_close_printed', 'windows.close_before_1 is null': 'no_close_1_sessions_before'},
            'ret_cc_2d_pct': {not_traded: 'not_traded', no_close: 'no_close_printed', 'windows.close_before_2 is null': 'no_close_2_sessions_before'},
            'ret_cc_5d_pct': {not_traded: 'not_traded', no_close: 'no_close_printed', 'windows.close_before_5 is null': 'no_close_5_sessions_before'},
            'ret_ss_2d_pct': {'windows.settle_cny_t is null': 'no_settlement', 'windows.settle_before_2 is null': 'no_settlement_2_sessions_before'},
            'ret_c_ps_pct': {not_traded: 'not_traded', no_close: 'no_close_printed', no_settlement_before: 'no_settlement_before'},
            'ret_s_ps_pct': {'windows.settle_cny_t is null': 'no_settlement', no_settlement_before: 'no_settlement_before'},
            'ret_n_ps_pct': {
                'not bounds.has_night_session': 'no_night_session', 'nights.session_last_cny_t is null': 'no_night_bars',
                no_settlement_before: 'no_settlement_before',
            },
            'ret_c_night_pct': {
                not_traded: 'not_traded', no_close: 'no_close_printed', 'not bounds.has_night_session': 'no_night_session',
                'nights.session_last_cny_t is null': 'no_night_bars',
            },
            'sessions_to_last_trading_day': {'last_days.last_session_index is null': 'no_last_trading_day'},
            'volume_ratio_20d': {'windows.volume_ratio_20d is null': 'too_few_observations'},
            'volume_oi_ratio': {'coalesce(windows.open_interest_lots, 0) = 0': 'no_open_interest'},
            'limit_up_cny_t': {no_settlement_before: 'no_settlement_before', 'bounds.limit_ratio is null': 'no_limit'},
            'limit_down_cny_t': {no_settlement_before: 'no_settlement_before', 'bounds.lower_ratio is null': 'no_limit'},
            'ma20_cny_t': {'windows.ma20_cny_t is null': 'too_few_observations'},
            'sigma20_pct': {'windows.sigma20_pct is null': 'too_few_observations'},
            'trend_state': {
                'windows.ma20_cny_t is null or windows.sigma20_pct is null': 'too_few_observations', 'windows.close_before_5 is null': 'no_close_5_sessions_before',
            },
        }) }} as null_reason,
        windows.contract_code = dominant.contract_code as is_dominant,
        windows.volume_lots > 0 as is_traded,
        windows.settle_cny_t is not null as is_final,
        last_days.last_session_index - windows.session_index as sessions_to_last_trading_day,
        coalesce(last_days.last_trading_day_source = 'expected', false) as is_last_trading_day_expected,
        last_days.last_trading_day_source,
        windows.decided_by,
        -- When the day's quotes could be known, when the exchange's file of its limits and margins, and when all that the row shows.
        windows.available_at,
        bounds.limits_available_at,
        greatest(
            windows.available_at, bounds.limits_available_at, nights.available_at, windows.history_available_at, last_days.list_available_at
        ) as known_at,
        windows.vintage,
        windows.source,
        windows.data_origin,
        windows.payload_sha256
    from windows
    inner join bounds
        on
            windows.reading = bounds.reading
            and windows.contract_code = bounds.contract_code
            and windows.trade_date = bounds.trade_date
    left join nights
        on
            windows.reading = nights.reading
            and windows.contract_code = nights.contract_code
            and windows.trade_date = nights.trade_date
    inner join parameters on windows.commodity_code = parameters.commodity_code
    inner join last_days
        on
            windows.contract_code = last_days.contract_code
            and windows.trade_date = last_days.trade_date
    left join dominant
        on
            windows.commodity_code = dominant.commodity_code
            and windows.trade_date = dominant.trade_date

)

select * from final
