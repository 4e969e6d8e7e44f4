-- The last trading day of every contract an exchange's files hold, by the rule of its product, as it was expected by the closures known on a
-- day (known_until): an extended calendar changes no history.
with contracts as (

    select distinct
        exchange,
        product_id,
        delivery_month_code,
        {{ delivery_month('delivery_month_code') }} as delivery_month
    from {{ ref('int_exchange__quotes') }}

),

rules as (

    select * from {{ ref('stg_catalog__expiry_rules') }}

),

trading_days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

horizons as (

    select distinct known_until from trading_days

),

sessions as (

    select
        horizons.known_until,
        trading_days.trade_date,
        trading_days.session_index
    from trading_days
    inner join horizons on trading_days.trade_date <= horizons.known_until

    union all

    select
        known_until,
        expected_date as trade_date,
        expected_index as session_index
    from {{ ref('stg_catalog__expected_days') }}

),

numbered as (

    select
        *,
        cast(date_trunc('month', trade_date) as date) as month,
        row_number() over (partition by known_until, date_trunc('month', trade_date) order by trade_date) as place,
        row_number() over (partition by known_until, date_trunc('month', trade_date) order by trade_date desc) as place_from_end
    from sessions

),

-- A day of a month is postponed into the next one at most.
days as (

    select
        *,
        month as counted_for
    from numbered

    union all

    select
        *,
        {{ add_months('month', -1) }} as counted_for
    from numbered

),

-- A product's own rule wins over its exchange's.
ruled as (

    select
        contracts.exchange,
        contracts.product_id,
        contracts.delivery_month_code,
        contracts.delivery_month,
        coalesce(own.last_trading_day_rule, whole.last_trading_day_rule) as last_trading_day_rule,
        coalesce(own.last_trading_day_value, whole.last_trading_day_value) as last_trading_day_value,
        {{ add_months('contracts.delivery_month', '-coalesce(own.months_before, whole.months_before)') }} as last_month
    from contracts
    left join rules as own on contracts.exchange = own.exchange and contracts.product_id = own.product_id
    left join rules as whole on contracts.exchange = whole.exchange and whole.product_id = '*'

),

final as (

    select
        ruled.exchange,
        ruled.product_id,
        ruled.delivery_month_code,
        days.known_until,
        min(days.trade_date) as last_trading_day,
        min(days.session_index) as last_session_index
    from ruled
    inner join days on ruled.last_month = days.counted_for
    where
        case ruled.last_trading_day_rule
            when 'day_of_month' then days.trade_date >= {{ add_days('ruled.last_month', 'ruled.last_trading_day_value - 1') }}
            when 'nth_session' then days.month = ruled.last_month and days.place = ruled.last_trading_day_value
            when 'last_session' then days.month = ruled.last_month and days.place_from_end = ruled.last_trading_day_value
        end
    group by ruled.exchange, ruled.product_id, ruled.delivery_month_code, days.known_until

)

select * from final
