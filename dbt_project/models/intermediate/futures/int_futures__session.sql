-- Sessions made of bars that are what they say (int_contracts__bar_days). Bars of two providers or two lengths are never mixed: of each
-- contract's trade date the finest kind is used.
with held as (

    select * from {{ ref('int_contracts__bar_days') }}
    where held_reason is not null

),

bars as (

    select bars.*
    from ({{ readings(ref('int_contracts__bars')) }}) as bars
    left join held
        on
            bars.reading = held.reading
            and bars.contract_code = held.contract_code
            and bars.trade_date = held.trade_date
            and bars.provider = held.provider
            and bars.bar_length = held.bar_length
    where held.contract_code is null

),

quotes as (

    {{ readings(ref('int_contracts__quotes')) }}

),

days as (

    select * from {{ ref('int_calendar__sessions') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

night_terms as (

    select * from {{ ref('int_commodities__terms') }}
    where term = 'night_session' and scope = ''

),

parts as (

    select
        'night' as session,
        1 as part
    union all
    select
        'am1' as session,
        2 as part
    union all
    select
        'am2' as session,
        3 as part
    union all
    select
        'pm' as session,
        4 as part

),

kinds as (

    select
        reading,
        contract_code,
        trade_date,
        provider,
        bar_length,
        row_number() over (
            partition by reading, contract_code, trade_date
            order by count(*) desc, provider asc, bar_length asc
        ) as place
    from bars
    group by reading, contract_code, trade_date, provider, bar_length

),

numbered as (

    select
        bars.*,
        parts.part,
        row_number() over (
            partition by bars.reading, bars.contract_code, bars.trade_date, bars.session
            order by bars.event_at
        ) as bar_number
    from bars
    inner join kinds
        on
            bars.reading = kinds.reading
            and bars.contract_code = kinds.contract_code
            and bars.trade_date = kinds.trade_date
            and bars.provider = kinds.provider
            and bars.bar_length = kinds.bar_length
            and kinds.place = 1
    inner join parts on bars.session = parts.session

),

sessions as (

    select
        reading,
        commodity_code,
        contract_code,
        trade_date,
        session,
        part,
        {{ arg_max('open_cny_t', '-bar_number') }} as session_open_cny_t,
        max(high_cny_t) as session_high_cny_t,
        min(low_cny_t) as session_low_cny_t,
        {{ arg_max('close_cny_t', 'bar_number') }} as session_last_cny_t,
        cast(sum(volume_lots) as bigint) as session_volume_lots,
        {{ arg_max('open_interest_lots', 'bar_number') }} as open_interest_end_lots,
        max(event_at) as session_ended_at,
        max(provider) as provider,
        max(bar_length) as bar_length,
        max(decided_by) as decided_by,
        max(available_at) as available_at,
        max(source) as source,
        max(data_origin) as data_origin,
        {{ arg_max('payload_sha256', 'bar_number') }} as payload_sha256
    from numbered
    group by reading, commodity_code, contract_code, trade_date, session, part

),

-- Where the contract stood when the trade date began: the close of the session before, if that one is held and had come.
closes as (

    select
        quotes.reading,
        quotes.contract_code,
        days.next_trade_date as trade_date,
        case when quotes.volume_lots > 0 then quotes.close_cny_t end as close_before_cny_t,
        quotes.open_interest_lots as open_interest_before_lots,
        quotes.available_at
    from quotes
    inner join days on quotes.trade_date = days.trade_date

),

-- The day begins in the night only where the calendar has one and the product trades in it, on its listing date never.
joined as (

    select
        sessions.*,
        -- Keys alone in the join: a condition over both of its sides with an `or` in it would compare every pair of rows.
        case when {{ had_come('closes.available_at', 'sessions') }} then closes.close_before_cny_t end as close_before_cny_t,
        case when {{ had_come('closes.available_at', 'sessions') }} then closes.open_interest_before_lots end as open_interest_before_lots,
        case when {{ had_come('closes.available_at', 'sessions') }} then closes.available_at end as closes_available_at,
        sessions.part = 1
        or (
            sessions.part = 2
            and not (days.has_night_session and sessions.trade_date > commodities.listing_date and coalesce(night_terms.term_value, 0.0) = 1.0)
        ) as is_first,
        lag(sessions.part) over trade_day = sessions.part - 1 as follows_on,
        {{ shanghai_time('sessions.trade_date', 'parameters.midday_minutes') }} as midday_at,
        lag(sessions.session_last_cny_t) over trade_day as last_before_cny_t,
        lag(sessions.open_interest_end_lots) over trade_day as end_before_lots,
        lag(sessions.available_at) over trade_day as before_available_at
    from sessions
    inner join days on sessions.trade_date = days.trade_date
    inner join parameters on sessions.commodity_code = parameters.commodity_code
    inner join commodities on sessions.commodity_code = commodities.commodity_code
    left join night_terms
        on
            sessions.commodity_code = night_terms.commodity_code
            and sessions.trade_date >= night_terms.valid_from
            and (night_terms.superseded_from is null or sessions.trade_date < night_terms.superseded_from)
    left join closes
        on
            sessions.reading = closes.reading
            and sessions.contract_code = closes.contract_code
            and sessions.trade_date = closes.trade_date
    window trade_day as (partition by sessions.reading, sessions.contract_code, sessions.trade_date order by sessions.part)

),

started as (

    select
        *,
        case when is_first then close_before_cny_t when follows_on then last_before_cny_t end as price_start_cny_t,
        case when is_first then open_interest_before_lots when follows_on then end_before_lots end as open_interest_start_lots,
        greatest(available_at, case when is_first then closes_available_at when follows_on then before_available_at end) as known_at
    from joined

),

final as (

    select
        reading,
        commodity_code,
        trade_date,
        contract_code,
        session,
        part,
        session_open_cny_t,
        session_high_cny_t,
        session_low_cny_t,
        session_last_cny_t,
        -- The price at 11:30 is that of a bar ending then; a session cut short by the build's horizon has none.
        case
            when session = 'am2' and session_ended_at = midday_at then session_last_cny_t
        end as last_1130_cny_t,
        price_start_cny_t,
        session_last_cny_t - price_start_cny_t as price_change_cny_t,
        {{ pct('session_last_cny_t', 'price_start_cny_t') }} as price_change_pct,
        session_volume_lots,
        open_interest_start_lots,
        open_interest_end_lots,
        open_interest_end_lots - open_interest_start_lots as open_interest_moved_lots,
        provider,
        bar_length,
        case
            when price_start_cny_t is null or open_interest_start_lots is null then 'session_before_not_held'
            when open_interest_end_lots is null then 'no_open_interest'
        end as null_reason,
        known_at as available_at,
        source,
        data_origin,
        payload_sha256
    from started

)

select * from final
