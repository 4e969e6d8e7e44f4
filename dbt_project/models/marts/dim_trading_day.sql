with sessions as (

    select * from {{ ref('int_calendar__sessions') }}

),

final as (

    select
        trade_date,
        session_index,
        previous_trade_date,
        next_trade_date,
        has_night_session
    from sessions

)

select * from final
