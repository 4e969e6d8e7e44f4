-- The dominant contract as it traded, session by session, unadjusted, with the extremes and the centre of the sessions before: a figure of a
-- window needs every session of it, in the decided reading as it had come by the decision.
with daily as (

    select * from {{ ref('int_futures__daily') }}
    where is_dominant

),

days as (

    select * from {{ ref('int_calendar__sessions') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

chain as (

    select
        daily.*,
        days.session_index,
        {%- for n in [20, 60] %}
        {%- for level, extreme in [('high', 'max'), ('low', 'min')] %}
        case
            when
                lag(days.session_index, {{ n - 1 }}) over chain_days = days.session_index - {{ n - 1 }}
                and {{ had_come('max(daily.available_at) over prior_' ~ (n - 1), 'daily') }}
                then {{ extreme }}(daily.{{ level }}_cny_t) over last_{{ n }}
        end as stage_{{ level }}_{{ n }},
        {%- endfor %}
        {%- endfor %}
        case
            when
                lag(days.session_index, 20) over chain_days = days.session_index - 20
                and {{ had_come('max(daily.available_at) over prior_20', 'daily') }}
                then max(daily.high_cny_t) over prior_20
        end as prior_high_20d_cny_t,
        -- When the last of the sessions of a window came; in the decided reading all of them had come.
        case when daily.reading = 'latest' then greatest(max(daily.available_at) over prior_20, daily.available_at) end as window_20_at,
        case when daily.reading = 'latest' then max(daily.available_at) over last_60 end as window_60_at
    from daily
    inner join days on daily.trade_date = days.trade_date
    window
        chain_days as (partition by daily.reading, daily.commodity_code order by daily.trade_date),
        last_20 as (partition by daily.reading, daily.commodity_code order by daily.trade_date rows between 19 preceding and current row),
        last_60 as (partition by daily.reading, daily.commodity_code order by daily.trade_date rows between 59 preceding and current row),
        prior_19 as (partition by daily.reading, daily.commodity_code order by daily.trade_date rows between 19 preceding and 1 preceding),
        prior_20 as (partition by daily.reading, daily.commodity_code order by daily.trade_date rows between 20 preceding and 1 preceding),
        prior_59 as (partition by daily.reading, daily.commodity_code order by daily.trade_date rows between 59 preceding and 1 preceding)

),

-- Each session with the numbers of the sessions of its window.
windows as (

    select
        today.reading,
        today.commodity_code,
        today.trade_date,
        today.decided_by,
        today.session_index,
        today.session_index - today.sessions_before as earlier_session_index,
        today.center_window_sessions,
        today.level_center_step_cny_t
    from (
        select
            chain.*,
            parameters.center_window_sessions,
            parameters.level_center_step_cny_t,
            {{ each_of(numbers('parameters.center_window_sessions')) }} as sessions_before
        from chain
        inner join parameters on chain.commodity_code = parameters.commodity_code
    ) as today

),

centers as (

    select
        windows.reading,
        windows.commodity_code,
        windows.trade_date,
        windows.level_center_step_cny_t * round(median(history.close_cny_t) / windows.level_center_step_cny_t) as center_cny_t,
        max(history.available_at) as center_at
    from windows
    inner join chain as history
        on
            windows.reading = history.reading
            and windows.commodity_code = history.commodity_code
            and windows.earlier_session_index = history.session_index
    where windows.session_index = history.session_index or {{ had_come('history.available_at', 'windows') }}
    group by windows.reading, windows.commodity_code, windows.trade_date, windows.center_window_sessions, windows.level_center_step_cny_t
    having count(history.close_cny_t) = windows.center_window_sessions

),

final as (

    select
        chain.reading,
        chain.commodity_code,
        chain.trade_date,
        chain.contract_code,
        chain.session_index,
        chain.close_cny_t,
        chain.high_cny_t,
        chain.limit_up_cny_t,
        chain.limit_down_cny_t,
        chain.stage_high_20,
        chain.stage_low_20,
        chain.stage_high_60,
        chain.stage_low_60,
        chain.prior_high_20d_cny_t,
        centers.center_cny_t,
        chain.window_20_at,
        chain.window_60_at,
        centers.center_at,
        chain.available_at,
        chain.limits_available_at,
        chain.data_origin,
        chain.payload_sha256
    from chain
    left join centers
        on
            chain.reading = centers.reading
            and chain.commodity_code = centers.commodity_code
            and chain.trade_date = centers.trade_date

)

select * from final
