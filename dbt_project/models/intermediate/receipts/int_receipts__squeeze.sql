-- How far the open interest of the nearest contract stands above the receipts it could be delivered from, judged at its distance from
-- the last trading day: against the earlier cycles of the product at the same distance, and against a floor that rises with the distance.
-- On its last trading day what is open is being delivered and presses no more: the next contract is the nearest.
with contracts as (

    select
        *,
        sum(open_interest_t) over (partition by reading, commodity_code, trade_date) as total_t
    from {{ ref('int_receipts__contracts') }}

),

totals as (

    select * from {{ ref('int_receipts__totals') }}
    where whole_reason is null

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

measured as (

    select
        contracts.reading,
        contracts.commodity_code,
        contracts.trade_date,
        contracts.contract_code,
        contracts.delivery_month,
        contracts.sessions_to_last_trading_day,
        contracts.open_interest_t as open_interest_qty,
        contracts.total_t as total_qty,
        totals.session_index,
        totals.receipts_t as receipts_qty,
        contracts.open_interest_t / nullif(totals.receipts_t, 0.0) as squeeze_ratio
    from contracts
    inner join totals
        on
            contracts.reading = totals.reading
            and contracts.commodity_code = totals.commodity_code
            and contracts.trade_date = totals.trade_date
    where contracts.sessions_to_last_trading_day >= 1

),

{{ squeeze_states(group=['reading', 'commodity_code'], owner=['commodity_code']) }},

final as (

    select
        reading,
        commodity_code,
        trade_date,
        contract_code as squeeze_contract,
        sessions_to_last_trading_day as squeeze_sessions,
        open_interest_qty as squeeze_open_interest_t,
        squeeze_ratio,
        squeeze_percentile_ratio,
        squeeze_cycles,
        squeeze_floor_ratio,
        squeeze_level,
        case squeeze_level when 2 then 'alert' when 1 then 'watch' when 0 then 'none' end as squeeze_state,
        case
            when squeeze_level is null then 'no_open_interest'
            when squeeze_level > day_level then 'not_yet_below_for_long'
            when receipts_qty = 0.0 then 'zero_receipts'
            when squeeze_percentile_ratio is null then 'floor_alone'
        end as squeeze_state_reason
    from held

)

select * from final
