-- Open interest that may ask for receipts, of a day's contracts together.
with contracts as (

    select * from {{ ref('int_receipts__contracts') }}

),

final as (

    select
        reading,
        commodity_code,
        trade_date,
        sum(open_interest_t) as total_t,
        max(case when is_dominant then open_interest_t end) as dominant_t,
        -- Positions still open at the close of the last trading day are delivered.
        max(case when sessions_to_last_trading_day = 0 then open_interest_t end) as delivered_t,
        max(available_at) as available_at
    from contracts
    group by reading, commodity_code, trade_date

)

select * from final
