with days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

final as (

    select
        trade_date,
        session_index,
        lag(trade_date) over (order by trade_date) as previous_trade_date,
        lead(trade_date) over (order by trade_date) as next_trade_date
    from days

)

select * from final
