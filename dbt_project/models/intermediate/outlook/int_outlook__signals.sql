-- Where each figure of a decision stands: how old it is, and its mid-rank among the values as each was known at its own decision. A mid-rank
-- is the share of the values below it and half of those equal to it: 0.5 is the ordinary day, also where many days are alike.
with known as (

    select * from {{ ref('int_outlook__known') }}

),

decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

-- Age in sessions: a figure about a month, dated by its last day, is as old as the last session that had begun by then.
dated as (

    select distinct
        data_date,
        max(session_index) over (order by data_date) as session_index
    from (
        select
            trade_date as data_date,
            session_index
        from days

        union all

        select distinct
            data_date,
            cast(null as bigint) as session_index
        from known
    ) as every_day

),

aged as (

    select
        known.*,
        decisions.session_index,
        decisions.session_index - dated.session_index as age_sessions
    from known
    inner join decisions
        on
            known.commodity_code = decisions.commodity_code
            and known.as_of_date = decisions.as_of_date
    left join dated on known.data_date = dated.data_date

),

-- The window counts sessions of the exchange, the day itself included.
ranked as (

    select
        aged.*,
        parameters.percentile_minimum_sessions,
        {%- for measure, name in [('count', 'observations'), ('share_at_most', 'at_most_ratio'), ('share_below', 'below_ratio')] %}
        {{ within(
            measure, 'aged.signal_value', 'aged.commodity_code, aged.signal', 'aged.session_index', 'parameters.percentile_window_sessions'
        ) }} as {{ name }},
        {%- endfor %}
        lag(aged.session_index) over line as session_index_before,
        lag(aged.signal_value) over line as value_before
    from aged
    inner join parameters on aged.commodity_code = parameters.commodity_code
    window line as (partition by aged.commodity_code, aged.signal order by aged.session_index)

),

final as (

    select
        commodity_code,
        as_of_date,
        signal,
        data_date,
        leg_dates,
        age_sessions,
        signal_value,
        leg,
        case when observations >= percentile_minimum_sessions then (at_most_ratio + below_ratio) / 2.0 end as percentile_ratio,
        case when session_index_before = session_index - 1 then signal_value - value_before end as signal_change,
        payload_sha256
    from ranked

)

select * from final
