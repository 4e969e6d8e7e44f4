-- The last trading day of a contract as it was known at the decision of each day the contract is quoted: as the exchange's own list prints it,
-- else by rule on the calendar, else, past the closures known on the day, by rule on the sessions expected then.
with quotes as (

    select distinct
        commodity_code,
        contract_code,
        trade_date
    from {{ ref('int_contracts__quotes') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

expected as (

    select * from {{ ref('stg_catalog__expected_days') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

sessions as (

    select * from {{ ref('int_contracts__sessions') }}

),

expiries as (

    select * from {{ ref('int_contracts__expiries') }}

),

listed as (

    select * from {{ ref('int_contracts__listed') }}

),

decided as (

    select
        quotes.contract_code,
        quotes.trade_date,
        days.known_until,
        {{ shanghai_time('quotes.trade_date', 'parameters.decision_time_minutes') }} as decided_by
    from quotes
    inner join days on quotes.trade_date = days.trade_date
    inner join parameters on quotes.commodity_code = parameters.commodity_code

),

-- By itself: in an outer join the bounds would make every pair of rows of a contract meet.
known_lists as (

    select
        decided.contract_code,
        decided.trade_date,
        listed.last_trading_day,
        listed.delivery_end_date,
        listed.available_at
    from decided
    inner join listed
        on
            decided.contract_code = listed.contract_code
            and {{ known_then('listed', 'decided.decided_by') }}

),

quoted as (

    select
        decided.contract_code,
        decided.trade_date,
        decided.known_until,
        known_lists.last_trading_day as listed_day,
        known_lists.delivery_end_date as listed_end_date,
        known_lists.available_at as list_available_at
    from decided
    left join known_lists
        on
            decided.contract_code = known_lists.contract_code
            and decided.trade_date = known_lists.trade_date

),

-- The sessions as they were known or expected on days of a horizon, and the number of the last one up to each printed day.
numbered as (

    select distinct
        known_until,
        day,
        max(session_index) over (partition by known_until order by day) as session_index
    from (
        select
            horizons.known_until,
            days.trade_date as day,
            days.session_index
        from (select distinct known_until from expected) as horizons
        inner join days on horizons.known_until >= days.trade_date

        union all

        select
            known_until,
            expected_date as day,
            expected_index as session_index
        from expected

        union all

        select
            known_until,
            listed_day as day,
            cast(null as bigint) as session_index
        from quoted
        where listed_day is not null
    ) as every_day

),

final as (

    select
        quoted.contract_code,
        quoted.trade_date,
        coalesce(quoted.listed_day, expiries.last_trading_day, sessions.last_trading_day) as last_trading_day,
        coalesce(numbered.session_index, expiries.last_session_index, sessions.last_session_index) as last_session_index,
        case
            when quoted.listed_day is not null then 'exchange'
            when expiries.contract_code is not null then 'expected'
            when sessions.last_trading_day is not null then 'calendar'
        end as last_trading_day_source,
        -- Where the list does not say it and it was expected; else int_contracts__deliveries has it.
        coalesce(quoted.listed_end_date, expiries.delivery_end_date) as delivery_end_date,
        quoted.list_available_at
    from quoted
    inner join sessions on quoted.contract_code = sessions.contract_code
    left join expiries
        on
            quoted.contract_code = expiries.contract_code
            and quoted.known_until = expiries.known_until
    left join numbered
        on
            quoted.known_until = numbered.known_until
            and quoted.listed_day = numbered.day

)

select * from final
