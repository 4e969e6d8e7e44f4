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

-- A return needs both ends: a session that is missing in between makes it null, it is never bridged.
neighbours as (

    select
        quotes.*,
        days.session_index,
        {%- for n in [1, 2, 5] %}
        case
            when
                lag(days.session_index, {{ n }}) over contract_days = days.session_index - {{ n }}
                then lag(quotes.close_cny_t, {{ n }}) over contract_days
        end as close_before_{{ n }},
        {%- endfor %}
        case
            when
                lag(days.session_index, 2) over contract_days = days.session_index - 2
                then lag(quotes.settle_cny_t, 2) over contract_days
        end as settle_before_2
    from quotes
    inner join days on quotes.trade_date = days.trade_date
    window contract_days as (partition by quotes.reading, quotes.contract_code order by quotes.trade_date)

),

returns as (

    select
        *,
        {{ pct('close_cny_t', 'close_before_1') }} as ret_cc_1d_pct,
        {{ pct('close_cny_t', 'close_before_2') }} as ret_cc_2d_pct,
        {{ pct('close_cny_t', 'close_before_5') }} as ret_cc_5d_pct,
        {{ pct('settle_cny_t', 'settle_before_2') }} as ret_ss_2d_pct,
        {{ pct('close_cny_t', 'pre_settle_cny_t') }} as ret_c_ps_pct,
        {{ pct('settle_cny_t', 'pre_settle_cny_t') }} as ret_s_ps_pct
    from neighbours

),

windows as (

    select
        *,
        case
            when count(close_cny_t) over last_20 = 20 then avg(close_cny_t) over last_20
        end as ma20_cny_t,
        case
            when count(ret_cc_1d_pct) over last_20 = 20 then stddev_samp(ret_cc_1d_pct) over last_20
        end as sigma20_pct
    from returns
    window last_20 as (partition by reading, contract_code order by trade_date rows between 19 preceding and current row)

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
        case when windows.volume_lots = 0 then cast(null as double) else windows.close_cny_t end as close_cny_t,
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
        windows.ma20_cny_t,
        windows.sigma20_pct,
        case
            when windows.ma20_cny_t is null or windows.sigma20_pct is null or windows.ret_cc_5d_pct is null then null
            when
                windows.ret_cc_5d_pct > parameters.trend_sigma_multiple * windows.sigma20_pct * sqrt(5.0)
                and windows.close_cny_t > windows.ma20_cny_t
                then 'up_strong'
            when
                windows.ret_cc_5d_pct < -parameters.trend_sigma_multiple * windows.sigma20_pct * sqrt(5.0)
                and windows.close_cny_t < windows.ma20_cny_t
                then 'down_strong'
            else 'none'
        end as trend_state,
        windows.contract_code = dominant.contract_code as is_dominant,
        windows.volume_lots > 0 as is_traded,
        windows.settle_cny_t is not null as is_final,
        sessions.last_session_index - windows.session_index as sessions_to_last_trading_day,
        windows.available_at,
        windows.vintage,
        windows.source,
        windows.data_origin,
        windows.payload_sha256
    from windows
    inner join parameters on windows.commodity_code = parameters.commodity_code
    inner join sessions on windows.contract_code = sessions.contract_code
    left join dominant
        on
            windows.commodity_code = dominant.commodity_code
            and windows.trade_date = dominant.trade_date

)

select * from final
