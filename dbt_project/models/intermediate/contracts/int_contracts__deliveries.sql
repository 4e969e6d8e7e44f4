-- When a contract's delivery is over: some sessions after its last trading day, by the term in force that day. Contracts of one
-- commodity are counted as delivery cycles in the order of their last trading days. Past the calendar's horizon both are those expected.
with sessions as (

    select * from {{ ref('int_contracts__sessions') }}

),

-- What is expected by all that is known now.
expected as (

    select * from {{ ref('int_contracts__expiries') }}
    where known_until = (select max(days.known_until) from {{ ref('stg_catalog__trading_days') }} as days)

),

terms as (

    select * from {{ ref('int_commodities__terms') }}
    where term = 'delivery_sessions'

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

final as (

    select
        sessions.commodity_code,
        sessions.contract_code,
        sessions.delivery_month,
        sessions.contract_size_t,
        coalesce(sessions.last_trading_day, expected.last_trading_day) as last_trading_day,
        coalesce(sessions.last_session_index, expected.last_session_index) as last_session_index,
        sessions.last_trading_day is null and expected.last_trading_day is not null as is_last_trading_day_expected,
        coalesce(cast(terms.term_value as bigint), expected.delivery_sessions) as delivery_sessions,
        coalesce(days.trade_date, expected.delivery_end_date) as delivery_end_date,
        row_number() over (
            partition by sessions.commodity_code
            order by coalesce(sessions.last_session_index, expected.last_session_index), sessions.delivery_month
        ) as cycle
    from sessions
    left join expected on sessions.contract_code = expected.contract_code
    left join terms
        on
            sessions.commodity_code = terms.commodity_code
            and {{ in_force('terms', 'sessions.last_trading_day') }}
    left join days on sessions.last_session_index + cast(terms.term_value as bigint) = days.session_index

)

select * from final
