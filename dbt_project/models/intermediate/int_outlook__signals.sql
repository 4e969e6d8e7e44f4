-- As-of join: for each decision the newest fact that was knowable by then. A fact published later is not seen, and the
-- percentile of a day is taken among the values as each was known at its own decision time.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

facts as (

    select * from {{ ref('int_outlook__facts') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

days as (

    select * from {{ ref('dim_trading_day') }}

),

known as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        decisions.session_index,
        facts.signal,
        max(facts.data_date) as data_date
    from decisions
    inner join facts
        on
            decisions.commodity_code = facts.commodity_code
            and decisions.as_of_date >= facts.data_date
            and decisions.decision_at >= facts.available_at
    inner join days on facts.data_date = days.trade_date
    inner join parameters on decisions.commodity_code = parameters.commodity_code
    where decisions.session_index - days.session_index <= parameters.fact_maximum_age_sessions
    group by decisions.commodity_code, decisions.as_of_date, decisions.session_index, facts.signal

),

valued as (

    select
        known.commodity_code,
        known.as_of_date,
        known.session_index,
        known.signal,
        known.data_date,
        facts.signal_value,
        facts.payload_sha256
    from known
    inner join facts
        on
            known.commodity_code = facts.commodity_code
            and known.signal = facts.signal
            and known.data_date = facts.data_date

),

-- The window counts sessions of the exchange, the day itself included.
ranked as (

    select
        valued.commodity_code,
        valued.as_of_date,
        valued.signal,
        count(*) as observations,
        avg(case when history.signal_value <= valued.signal_value then 1.0 else 0.0 end) as percentile_ratio
    from valued
    inner join parameters on valued.commodity_code = parameters.commodity_code
    inner join valued as history
        on
            valued.commodity_code = history.commodity_code
            and valued.signal = history.signal
            and valued.session_index >= history.session_index
            and valued.session_index - history.session_index < parameters.percentile_window_sessions
    group by valued.commodity_code, valued.as_of_date, valued.signal

),

final as (

    select
        valued.commodity_code,
        valued.as_of_date,
        valued.signal,
        valued.data_date,
        valued.signal_value,
        valued.payload_sha256,
        case
            when ranked.observations >= parameters.percentile_minimum_sessions then ranked.percentile_ratio
        end as percentile_ratio
    from valued
    inner join ranked
        on
            valued.commodity_code = ranked.commodity_code
            and valued.as_of_date = ranked.as_of_date
            and valued.signal = ranked.signal
    inner join parameters on valued.commodity_code = parameters.commodity_code

)

select * from final
