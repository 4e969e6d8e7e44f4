{{ config(materialized='view') }}

with trading_days as (

    {{ with_available_at(ref('stg_shfe__trading_day'), keys=['trade_date'], dataset='shfe__trading_day') }}

),

calendar as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

-- The exchange's own calendar against the catalogue's; a day the catalogue does not know is a finding too.
calendar_days as (

    select
        'shfe__trading_day' as table_name,
        trading_days.trade_date,
        'session before' as subject,
        cast(coalesce(calendar.session_index - 1, 0) as double) as expected_value,
        cast(coalesce(previous.session_index, -1) as double) as found_value,
        trading_days.available_at,
        trading_days.payload_sha256
    from trading_days
    left join calendar on trading_days.trade_date = calendar.trade_date
    left join calendar as previous on trading_days.previous_trade_date = previous.trade_date

),

final as (

    {{ identities([
        ('calendar_agrees_with_the_exchange', 'calendar_days', 'the session the exchange names before its current one is not that of the calendar'),
    ]) }}

)

select * from final
