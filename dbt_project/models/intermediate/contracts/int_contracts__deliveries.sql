-- When a contract's delivery is over: some sessions after its last trading day, by the term in force that day. Contracts of one
-- commodity are counted as delivery cycles in the order of their last trading days; past the horizon their months tell the order.
with sessions as (

    select * from {{ ref('int_contracts__sessions') }}

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
        sessions.last_trading_day,
        sessions.last_session_index,
        cast(terms.term_value as bigint) as delivery_sessions,
        -- Past the calendar's horizon there is none, and nothing is guessed.
        days.trade_date as delivery_end_date,
        row_number() over (partition by sessions.commodity_code order by sessions.last_session_index, sessions.delivery_month) as cycle
    from sessions
    left join terms
        on
            sessions.commodity_code = terms.commodity_code
            and {{ in_force('terms', 'sessions.last_trading_day') }}
    left join days on sessions.last_session_index + cast(terms.term_value as bigint) = days.session_index

)

select * from final
