-- What was known at each decision: of the exchange's facts the newest published by then, of vendors, customs and policy what their
-- own as-of models say. A percentile is taken among the values as each was known at its own decision.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

facts as (

    select * from {{ ref('int_outlook__facts') }}

),

policy as (

    select * from {{ ref('int_policy__known') }}

),

fundamentals as (

    select * from {{ ref('int_fundamentals__known') }}

),

spot as (

    select * from {{ ref('int_series__known') }}
    where role = 'spot' and region = 'national' and unit = 'CNY/t'

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

exchange_known as (

    select *
    from (
        select
            decisions.commodity_code,
            decisions.as_of_date,
            facts.signal,
            facts.data_date,
            facts.signal_value,
            facts.payload_sha256,
            row_number() over (
                partition by decisions.commodity_code, decisions.as_of_date, facts.signal
                order by facts.data_date desc
            ) as place
        from decisions
        inner join parameters on decisions.commodity_code = parameters.commodity_code
        inner join days on decisions.session_index - parameters.fact_maximum_age_sessions = days.session_index
        inner join facts
            on
                decisions.commodity_code = facts.commodity_code
                and facts.data_date between days.trade_date and decisions.as_of_date
                and decisions.decision_at >= facts.available_at
    ) as placed
    where place = 1

),

spot_known as (

    select *
    from (
        select
            *,
            row_number() over (partition by commodity_code, as_of_date order by provider, series_id) as place
        from spot
    ) as placed
    where place = 1

),

known as (

    select
        commodity_code,
        as_of_date,
        signal,
        data_date,
        {{ leg_dates(['data_date']) }} as leg_dates,
        signal_value,
        payload_sha256
    from exchange_known

    union all

    select
        commodity_code,
        as_of_date,
        'spot_cny_t' as signal,
        obs_date as data_date,
        {{ leg_dates(['obs_date']) }} as leg_dates,
        value as signal_value,
        payload_sha256
    from spot_known

    union all

    -- What is true of every event together is true of the decision's own day.
    select
        commodity_code,
        as_of_date,
        'policy_intensity' as signal,
        as_of_date as data_date,
        {{ leg_dates(['as_of_date']) }} as leg_dates,
        policy_intensity as signal_value,
        newest_payload_sha256 as payload_sha256
    from policy
    where policy_intensity is not null

    union all

    select
        commodity_code,
        as_of_date,
        'commodity_document_count' as signal,
        as_of_date as data_date,
        {{ leg_dates(['as_of_date']) }} as leg_dates,
        cast(commodity_document_count as double) as signal_value,
        newest_payload_sha256 as payload_sha256
    from policy
    where commodity_document_count is not null

    union all

    select
        commodity_code,
        as_of_date,
        'news_tone' as signal,
        as_of_date as data_date,
        {{ leg_dates(['as_of_date']) }} as leg_dates,
        news_tone as signal_value,
        cast(null as varchar) as payload_sha256
    from policy
    where news_tone is not null
    {%- for signal, column, day, legs, payload in [
        ('margin_pct', 'margin_pct', 'margin_date', 'margin_leg_dates', 'payload_sha256'),
        ('profit_cny_t', 'profit_cny_t', 'margin_date', 'margin_leg_dates', 'payload_sha256'),
        ('cost_full_cny_t', 'cost_full_cny_t', 'cost_full_date', leg_dates(['cost_full_date']), 'payload_sha256'),
        ('surplus_pct', 'surplus_pct', 'surplus_date', 'surplus_leg_dates', 'surplus_payload_sha256'),
        (
            'smelter_stock_change_kt', 'smelter_stock_change_kt', 'smelter_stock_date', leg_dates(['smelter_stock_date']),
            'smelter_stock_payload_sha256',
        ),
        ('exports_mom_pct', 'exports_mom_pct', 'last_day(exports_date)', leg_dates(['exports_date']), 'exports_payload_sha256'),
        (
            'downstream_rate_change_pp', 'downstream_rate_change_pp', 'downstream_rate_date', leg_dates(['downstream_rate_date']),
            'downstream_rate_payload_sha256',
        ),
        ('import_profit_cny_t', 'import_profit_cny_t', 'parity_date', 'parity_leg_dates', 'parity_payload_sha256'),
    ] %}

    union all

    select
        commodity_code,
        as_of_date,
        '{{ signal }}' as signal,
        {{ day }} as data_date,
        {{ legs }} as leg_dates,
        {{ column }} as signal_value,
        {{ payload }} as payload_sha256
    from fundamentals
    where {{ column }} is not null
    {%- endfor %}

),

-- Age in sessions: a figure about a month, dated by its last day, is as old as the last session that had begun by then.
dated as (

    select
        known.data_date,
        max(days.session_index) as session_index
    from (select distinct data_date from known) as known
    inner join days on known.data_date >= days.trade_date
    group by known.data_date

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
        aged.commodity_code,
        aged.as_of_date,
        aged.signal,
        count(*) as observations,
        avg(case when history.signal_value <= aged.signal_value then 1.0 else 0.0 end) as percentile_ratio
    from aged
    inner join parameters on aged.commodity_code = parameters.commodity_code
    inner join aged as history
        on
            aged.commodity_code = history.commodity_code
            and aged.signal = history.signal
            and aged.session_index >= history.session_index
            and aged.session_index - history.session_index < parameters.percentile_window_sessions
    group by aged.commodity_code, aged.as_of_date, aged.signal

),

final as (

    select
        aged.commodity_code,
        aged.as_of_date,
        aged.signal,
        aged.data_date,
        aged.leg_dates,
        aged.age_sessions,
        aged.signal_value,
        case
            when ranked.observations >= parameters.percentile_minimum_sessions then ranked.percentile_ratio
        end as percentile_ratio,
        aged.signal_value - before.signal_value as signal_change,
        aged.payload_sha256
    from aged
    inner join ranked
        on
            aged.commodity_code = ranked.commodity_code
            and aged.as_of_date = ranked.as_of_date
            and aged.signal = ranked.signal
    inner join parameters on aged.commodity_code = parameters.commodity_code
    left join aged as before
        on
            aged.commodity_code = before.commodity_code
            and aged.signal = before.signal
            and aged.session_index - 1 = before.session_index

)

select * from final
