with quotes as (

    select * from {{ ref('int_contracts__quotes') }}

),

specs as (

    select * from {{ ref('stg_catalog__contract_specs') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

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
        {{ arg_max('specs.last_trading_day_of_month', 'specs.valid_from') }} as last_trading_day_of_month
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

-- Postponed to the next session; past the calendar's horizon there is none, and nothing is guessed.
expiries as (

    select
        specified.contract_code,
        min(days.trade_date) as last_trading_day,
        min(days.session_index) as last_session_index
    from specified
    inner join days
        on days.trade_date >= {{ add_days('specified.delivery_month', 'specified.last_trading_day_of_month - 1') }}
    group by specified.contract_code

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
