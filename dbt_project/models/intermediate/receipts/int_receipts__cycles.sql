-- Where a day stands between two deliveries: what lay there on the same day of the cycles before, what was taken away since the last one, and
-- what a day's delivery takes.
with totals as (

    select * from {{ ref('int_receipts__totals') }}
    where whole_reason is null

),

open_interest as (

    select * from {{ ref('int_receipts__open_interest') }}

),

deliveries as (

    select * from {{ ref('int_contracts__deliveries') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

cycles as (

    select
        open_interest.reading,
        deliveries.commodity_code,
        deliveries.cycle,
        open_interest.delivered_t,
        deliveries.last_session_index - lag(deliveries.last_session_index) over (
            partition by open_interest.reading, deliveries.commodity_code
            order by deliveries.cycle
        ) as cycle_sessions
    from deliveries
    inner join open_interest
        on
            deliveries.commodity_code = open_interest.commodity_code
            and deliveries.last_trading_day = open_interest.trade_date

),

-- Each cycle with the numbers of the cycles it is read with, its own first.
cycle_windows as (

    select
        reading,
        commodity_code,
        cycle,
        delivery_cycles,
        cycle - cycles_before as earlier_cycle
    from (
        select
            cycles.reading,
            cycles.commodity_code,
            cycles.cycle,
            parameters.delivery_cycles,
            {{ each_of(numbers('parameters.delivery_cycles')) }} as cycles_before
        from cycles
        inner join parameters on cycles.commodity_code = parameters.commodity_code
    ) as counted

),

demand as (

    select
        cycle_windows.reading,
        cycle_windows.commodity_code,
        cycle_windows.cycle,
        case
            when count(history.cycle_sessions) = max(cycle_windows.delivery_cycles)
                then sum(history.delivered_t) / sum(history.cycle_sessions)
        end as delivery_demand_t_day
    from cycle_windows
    inner join cycles as history
        on
            cycle_windows.reading = history.reading
            and cycle_windows.commodity_code = history.commodity_code
            and cycle_windows.earlier_cycle = history.cycle
    group by cycle_windows.reading, cycle_windows.commodity_code, cycle_windows.cycle

),

placed as (

    select
        totals.reading,
        totals.commodity_code,
        totals.trade_date,
        totals.cycle,
        totals.receipts_t,
        deliveries.contract_code as delivered_contract,
        cycles.delivered_t,
        -- All that left the warehouses since the last trading day, what came in between not set against it; unknown where a session is missing.
        case
            when count(*) over of_cycle = totals.session_index - deliveries.last_session_index + 1
                then sum(totals.left_t) over of_cycle
        end as withdrawn_t,
        totals.session_index - deliveries.last_session_index as days_since_ltd,
        totals.session_index - deliveries.last_session_index - deliveries.delivery_sessions as days_since_delivery
    from (
        select
            *,
            coalesce(
                greatest(lag(receipts_t) over (partition by reading, commodity_code, cycle order by session_index) - receipts_t, 0.0), 0.0
            ) as left_t
        from totals
    ) as totals
    left join deliveries
        on
            totals.commodity_code = deliveries.commodity_code
            and totals.cycle = deliveries.cycle
    left join cycles
        on
            totals.reading = cycles.reading
            and totals.commodity_code = cycles.commodity_code
            and totals.cycle = cycles.cycle
    window of_cycle as (partition by totals.reading, totals.commodity_code, totals.cycle order by totals.session_index)

),

-- The level at the same day of the cycles before; a cycle without that day makes the comparison impossible, it is not bridged.
seasons as (

    select
        today.reading,
        today.commodity_code,
        today.trade_date,
        case when count(*) = max(today.delivery_cycles) then median(history.receipts_t) end as median_t,
        case when count(history.withdrawn_t) = max(today.delivery_cycles) then median(history.withdrawn_t) end as withdrawn_usual_t
    from (
        select
            reading,
            commodity_code,
            trade_date,
            days_since_ltd,
            delivery_cycles,
            cycle - 1 - cycles_before as earlier_cycle
        from (
            select
                placed.reading,
                placed.commodity_code,
                placed.trade_date,
                placed.days_since_ltd,
                placed.cycle,
                parameters.delivery_cycles,
                {{ each_of(numbers('parameters.delivery_cycles')) }} as cycles_before
            from placed
            inner join parameters on placed.commodity_code = parameters.commodity_code
        ) as counted
    ) as today
    inner join placed as history
        on
            today.reading = history.reading
            and today.commodity_code = history.commodity_code
            and today.days_since_ltd = history.days_since_ltd
            and today.earlier_cycle = history.cycle
    group by today.reading, today.commodity_code, today.trade_date

),

final as (

    select
        placed.reading,
        placed.commodity_code,
        placed.trade_date,
        placed.cycle,
        placed.delivered_contract,
        placed.days_since_ltd,
        placed.days_since_delivery,
        placed.delivered_t,
        placed.withdrawn_t,
        seasons.median_t,
        seasons.withdrawn_usual_t,
        demand.delivery_demand_t_day
    from placed
    left join seasons
        on
            placed.reading = seasons.reading
            and placed.commodity_code = seasons.commodity_code
            and placed.trade_date = seasons.trade_date
    left join demand
        on
            placed.reading = demand.reading
            and placed.commodity_code = demand.commodity_code
            and placed.cycle = demand.cycle

)

select * from final
