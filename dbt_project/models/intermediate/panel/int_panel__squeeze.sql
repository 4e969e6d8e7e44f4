-- Whether the nearest contract of a product presses on its receipts, by the same rule as a commodity's, so that what followed a squeeze can be
-- asked of every product. Only days whose quotes and receipts had come by their own decision count, in the day and among the earlier cycles.
with contracts as (

    select
        *,
        sum(open_interest_lots) over (partition by exchange, product_id, trade_date) as total_lots
    from {{ ref('int_panel__contracts') }}
    where available_at <= decided_by

),

receipts as (

    select * from {{ ref('int_panel__receipts') }}
    where receipts_qty is not null

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

measured as (

    select
        contracts.exchange,
        contracts.product_id,
        contracts.trade_date,
        contracts.delivery_month_code as contract_code,
        contracts.delivery_month_code as delivery_month,
        contracts.sessions_left as sessions_to_last_trading_day,
        contracts.open_interest_lots * receipts.lot_qty as open_interest_qty,
        contracts.total_lots * receipts.lot_qty as total_qty,
        contracts.session_index,
        receipts.receipts_qty,
        contracts.open_interest_lots * receipts.lot_qty / nullif(receipts.receipts_qty, 0.0) as squeeze_ratio
    from contracts
    inner join receipts
        on
            contracts.exchange = receipts.exchange
            and contracts.product_id = receipts.product_id
            and contracts.trade_date = receipts.trade_date
    where contracts.sessions_left >= 1

),

{{ squeeze_states(group=['exchange', 'product_id']) }},

final as (

    select
        exchange,
        product_id,
        trade_date,
        contract_code as squeeze_month_code,
        sessions_to_last_trading_day as squeeze_sessions,
        squeeze_ratio,
        squeeze_percentile_ratio,
        squeeze_cycles,
        squeeze_floor_ratio,
        squeeze_level
    from held

)

select * from final
