-- When a contract's delivery is over: some sessions after its last trading day, by the term in force that day. Contracts of one
-- commodity are counted as delivery cycles in the order of their last trading days. The exchange's own list wins over the rule; past the
-- calendar's horizon, and where it lists nothing, both days are those expected.
with sessions as (

    select * from {{ ref('int_contracts__sessions') }}

),

-- What is expected by all that is known now.
expected as (

    select * from {{ ref('int_contracts__expiries') }}
    where known_until = (select max(days.known_until) from {{ ref('stg_catalog__trading_days') }} as days)

),

listed as (

    select * from {{ ref('int_contracts__listed') }}
    where is_latest

),

terms as (

    select * from {{ ref('int_commodities__terms') }}
    where term = 'delivery_sessions'

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

-- Every session that is known, and after them those expected by all that is known now.
numbered as (

    select
        trade_date,
        session_index
    from days

    union all

    select
        expected_date as trade_date,
        expected_index as session_index
    from {{ ref('stg_catalog__expected_days') }}
    where known_until = (select max(days.known_until) from days)

),

ends as (

    select
        sessions.commodity_code,
        sessions.contract_code,
        sessions.delivery_month,
        sessions.contract_size_t,
        coalesce(listed.last_trading_day, sessions.last_trading_day, expected.last_trading_day) as last_trading_day,
        coalesce(numbered.session_index, sessions.last_session_index, expected.last_session_index) as last_session_index,
        case
            when listed.last_trading_day is not null then 'exchange'
            when sessions.last_trading_day is not null then 'calendar'
            when expected.last_trading_day is not null then 'expected'
        end as last_trading_day_source,
        listed.listing_date,
        listed.delivery_start_date,
        listed.delivery_end_date,
        listed.base_price_cny_t,
        expected.delivery_sessions,
        expected.delivery_end_date as expected_end_date
    from sessions
    left join listed on sessions.contract_code = listed.contract_code
    left join numbered on listed.last_trading_day = numbered.trade_date
    left join expected on sessions.contract_code = expected.contract_code

),

final as (

    select
        ends.commodity_code,
        ends.contract_code,
        ends.delivery_month,
        ends.contract_size_t,
        ends.last_trading_day,
        ends.last_session_index,
        ends.last_trading_day_source,
        coalesce(ends.last_trading_day_source = 'expected', false) as is_last_trading_day_expected,
        coalesce(cast(terms.term_value as bigint), ends.delivery_sessions) as delivery_sessions,
        coalesce(ends.delivery_end_date, numbered.trade_date, ends.expected_end_date) as delivery_end_date,
        ends.listing_date,
        ends.delivery_start_date,
        ends.base_price_cny_t,
        cast(row_number() over (
            partition by ends.commodity_code
            order by ends.last_session_index nulls last, ends.delivery_month
        ) as bigint) as cycle
    from ends
    left join terms
        on
            ends.commodity_code = terms.commodity_code
            and {{ in_force('terms', 'ends.last_trading_day') }}
    left join numbered on ends.last_session_index + cast(terms.term_value as bigint) = numbered.session_index

)

select * from final
