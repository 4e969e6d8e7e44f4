with quotes as (

    select * from {{ ref('int_contracts__quotes') }}

),

specs as (

    select * from {{ ref('stg_catalog__contract_specs') }}

),

days as (

    select
        trade_date,
        session_index,
        cast(date_trunc('month', trade_date) as date) as month,
        row_number() over (partition by date_trunc('month', trade_date) order by trade_date) as session_of_month
    from {{ ref('stg_catalog__trading_days') }}

),

contracts as (

    select
        commodity_code,
        contract_code,
        delivery_month,
        min(trade_date) as first_trade_date,
        max(trade_date) as last_trade_date
    from quotes
    group by commodity_code, contract_code, delivery_month

),

-- The specification in force when the contract was first seen.
specified as (

    select
        contracts.commodity_code,
        contracts.contract_code,
        contracts.delivery_month,
        contracts.first_trade_date,
        contracts.last_trade_date,
        {{ arg_max('specs.contract_size_t', 'specs.valid_from') }} as contract_size_t,
        {{ arg_max('specs.tick_cny_t', 'specs.valid_from') }} as tick_cny_t,
        {{ arg_max('specs.warrant_unit_t', 'specs.valid_from') }} as warrant_unit_t,
        {{ arg_max('specs.last_trading_day_rule', 'specs.valid_from') }} as last_trading_day_rule,
        {{ arg_max('specs.last_trading_day_value', 'specs.valid_from') }} as last_trading_day_value
    from contracts
    inner join specs
        on
            contracts.commodity_code = specs.commodity_code
            and contracts.first_trade_date >= specs.valid_from
    group by
        contracts.commodity_code,
        contracts.contract_code,
        contracts.delivery_month,
        contracts.first_trade_date,
        contracts.last_trade_date

),

fixed as (

    select
        contract_code,
        {{ add_days('delivery_month', 'last_trading_day_value - 1') }} as day
    from specified
    where last_trading_day_rule = 'day_of_month'

),

-- The session of a day, or the next one after it.
postponed as (

    select distinct
        day,
        min(trade_date) over (order by day desc) as last_trading_day,
        min(session_index) over (order by day desc) as last_session_index
    from (
        select
            trade_date as day,
            trade_date,
            session_index
        from days

        union all

        select
            day,
            cast(null as date) as trade_date,
            cast(null as bigint) as session_index
        from fixed
    ) as every_day

),

-- A day of the month is postponed to the next session, an n-th session is one. Past the calendar's horizon there is none here:
-- int_contracts__expiries says what is expected.
expiries as (

    select
        fixed.contract_code,
        postponed.last_trading_day,
        postponed.last_session_index
    from fixed
    inner join postponed on fixed.day = postponed.day

    union all

    select
        specified.contract_code,
        days.trade_date as last_trading_day,
        days.session_index as last_session_index
    from specified
    inner join days
        on
            specified.delivery_month = days.month
            and specified.last_trading_day_value = days.session_of_month
    where specified.last_trading_day_rule = 'nth_session'

),

final as (

    select
        specified.*,
        expiries.last_trading_day,
        expiries.last_session_index
    from specified
    left join expiries on specified.contract_code = expiries.contract_code

)

select * from final
