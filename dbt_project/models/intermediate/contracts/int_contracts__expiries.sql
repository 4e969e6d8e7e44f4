-- Last trading days that lie past the closures known on a day (known_until): expected by rule, so that what is said of the day stays when
-- the calendar is extended. A contract whose last trading day was known then has no row.
with sessions as (

    select * from {{ ref('int_contracts__sessions') }}

),

expected as (

    select
        known_until,
        expected_date,
        expected_index,
        cast(date_trunc('month', expected_date) as date) as month,
        row_number() over (partition by known_until, date_trunc('month', expected_date) order by expected_date) as session_of_month
    from {{ ref('stg_catalog__expected_days') }}

),

horizons as (

    select distinct known_until from expected

),

terms as (

    select * from {{ ref('int_commodities__terms') }}
    where term = 'delivery_sessions'

),

fixed as (

    select
        sessions.contract_code,
        horizons.known_until,
        {{ add_days('sessions.delivery_month', 'sessions.last_trading_day_value - 1') }} as day
    from sessions
    cross join horizons
    where sessions.last_trading_day_rule = 'day_of_month'

),

-- The expected session of a day, or the next one after it; of a day that was known there is none.
postponed as (

    select distinct
        known_until,
        day,
        min(expected_date) over (partition by known_until order by day desc) as last_trading_day,
        min(expected_index) over (partition by known_until order by day desc) as last_session_index
    from (
        select
            known_until,
            expected_date as day,
            expected_date,
            expected_index
        from expected

        union all

        select
            known_until,
            day,
            cast(null as date) as expected_date,
            cast(null as bigint) as expected_index
        from fixed
    ) as every_day

),

expiries as (

    select
        fixed.contract_code,
        fixed.known_until,
        postponed.last_trading_day,
        postponed.last_session_index
    from fixed
    inner join postponed
        on
            fixed.known_until = postponed.known_until
            and fixed.day = postponed.day

    union all

    select
        sessions.contract_code,
        expected.known_until,
        expected.expected_date as last_trading_day,
        expected.expected_index as last_session_index
    from sessions
    inner join expected
        on
            sessions.delivery_month = expected.month
            and sessions.last_trading_day_value = expected.session_of_month
    where sessions.last_trading_day_rule = 'nth_session'

),

final as (

    select
        expiries.contract_code,
        expiries.known_until,
        expiries.last_trading_day,
        expiries.last_session_index,
        cast(terms.term_value as bigint) as delivery_sessions,
        ends.expected_date as delivery_end_date
    from expiries
    inner join sessions on expiries.contract_code = sessions.contract_code
    left join terms
        on
            sessions.commodity_code = terms.commodity_code
            and {{ in_force('terms', 'expiries.last_trading_day') }}
    left join expected as ends
        on
            expiries.known_until = ends.known_until
            and expiries.last_session_index + cast(terms.term_value as bigint) = ends.expected_index
    where
        expiries.last_trading_day is not null
        and (sessions.last_trading_day is null or sessions.last_trading_day > expiries.known_until)

)

select * from final
