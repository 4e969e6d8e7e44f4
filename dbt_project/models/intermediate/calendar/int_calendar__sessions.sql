with days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

neighbours as (

    select
        trade_date,
        session_index,
        lag(trade_date) over (order by trade_date) as previous_trade_date,
        lead(trade_date) over (order by trade_date) as next_trade_date
    from days

),

final as (

    select
        trade_date,
        session_index,
        previous_trade_date,
        next_trade_date,
        -- Nothing but a weekend may lie between: there is no night before a public holiday.
        trade_date = {{ add_days('previous_trade_date', '1') }}
        or (
            trade_date = {{ add_days('previous_trade_date', '3') }}
            and trade_date = cast(date_trunc('week', trade_date) as date)
        ) as has_night_session
    from neighbours

)

select * from final
