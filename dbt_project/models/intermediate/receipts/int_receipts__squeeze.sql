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
        contracts.open_interest_t,
        contracts.total_t,
        totals.session_index,
        totals.receipts_t,
        contracts.open_interest_t / nullif(totals.receipts_t, 0.0) as squeeze_ratio,
        row_number() over (
            partition by contracts.reading, contracts.commodity_code, contracts.trade_date
            order by contracts.sessions_to_last_trading_day, contracts.delivery_month
        ) as place
    from contracts
    inner join totals
        on
            contracts.reading = totals.reading
            and contracts.commodity_code = totals.commodity_code
            and contracts.trade_date = totals.trade_date
    where contracts.sessions_to_last_trading_day >= 1

),

nearest as (

    select * from measured
    where place = 1

),

distances as (

    select distinct
        reading,
        commodity_code,
        sessions_to_last_trading_day
    from nearest

),

-- A cycle at a distance: the median of that session and its two neighbours, so that one odd day makes no cycle.
cycles as (

    select
        spread.reading,
        spread.commodity_code,
        spread.delivery_month,
        distances.sessions_to_last_trading_day,
        median(spread.squeeze_ratio) as squeeze_ratio
    from (
        select
            reading,
            commodity_code,
            delivery_month,
            squeeze_ratio,
            sessions_to_last_trading_day,
            {{ each_of(numbers(3)) }} as place
        from measured
        where squeeze_ratio is not null
    ) as spread
    inner join distances
        on
            spread.reading = distances.reading
            and spread.commodity_code = distances.commodity_code
            and spread.sessions_to_last_trading_day - 1 + spread.place = distances.sessions_to_last_trading_day
    group by spread.reading, spread.commodity_code, spread.delivery_month, distances.sessions_to_last_trading_day

),

ranks as (

    select
        nearest.reading,
        nearest.commodity_code,
        nearest.trade_date,
        count(*) as squeeze_cycles,
        avg(cast(
            case
                when earlier.squeeze_ratio < nearest.squeeze_ratio then 1.0
                when earlier.squeeze_ratio = nearest.squeeze_ratio then 0.5
                else 0.0
            end as double
        )) as mid_rank_ratio
    from nearest
    inner join cycles as earlier
        on
            nearest.reading = earlier.reading
            and nearest.commodity_code = earlier.commodity_code
            and nearest.sessions_to_last_trading_day = earlier.sessions_to_last_trading_day
            and nearest.delivery_month > earlier.delivery_month
    where nearest.squeeze_ratio is not null
    group by nearest.reading, nearest.commodity_code, nearest.trade_date

),

placed as (

    select
        nearest.*,
        coalesce(ranks.squeeze_cycles, 0) as squeeze_cycles,
        case when ranks.squeeze_cycles >= parameters.squeeze_cycles_minimum then ranks.mid_rank_ratio end as squeeze_percentile_ratio,
        parameters.squeeze_floor_base_ratio
        * (
            1.0 + least(nearest.sessions_to_last_trading_day, parameters.squeeze_floor_sessions_maximum)
            / parameters.squeeze_floor_step_sessions
        ) as squeeze_floor_ratio,
        parameters.squeeze_watch_divisor,
        parameters.squeeze_alert_percentile_ratio,
        parameters.squeeze_watch_percentile_ratio,
        parameters.squeeze_fall_sessions,
        parameters.squeeze_zero_sessions,
        parameters.squeeze_zero_share_ratio
    from nearest
    inner join parameters on nearest.commodity_code = parameters.commodity_code
    left join ranks
        on
            nearest.reading = ranks.reading
            and nearest.commodity_code = ranks.commodity_code
            and nearest.trade_date = ranks.trade_date

),

-- Of a short history the floor alone decides. With nothing registered there is no ratio: what counts is whether delivery is near and asked for.
judged as (

    select
        *,
        case
            when open_interest_t is null then null
            when
                receipts_t = 0.0
                then case
                    when sessions_to_last_trading_day <= squeeze_zero_sessions and open_interest_t >= squeeze_zero_share_ratio * total_t then 2
                    else 0
                end
            when squeeze_ratio >= squeeze_floor_ratio and coalesce(squeeze_percentile_ratio, 1.0) >= squeeze_alert_percentile_ratio then 2
            when
                squeeze_ratio >= squeeze_floor_ratio / squeeze_watch_divisor
                and coalesce(squeeze_percentile_ratio, 1.0) >= squeeze_watch_percentile_ratio
                then 1
            else 0
        end as day_level
    from placed

),

-- A state rises at once and falls when it was below for some sessions: the highest of those of one contract.
held as (

    select
        *,
        case
            when day_level is not null
                then {{ within('max', 'day_level', 'reading, contract_code', 'session_index', 'squeeze_fall_sessions') }}
        end as squeeze_level
    from judged

),

final as (

    select
        reading,
        commodity_code,
        trade_date,
        contract_code as squeeze_contract,
        sessions_to_last_trading_day as squeeze_sessions,
        open_interest_t as squeeze_open_interest_t,
        squeeze_ratio,
        squeeze_percentile_ratio,
        squeeze_cycles,
        squeeze_floor_ratio,
        squeeze_level,
        case squeeze_level when 2 then 'alert' when 1 then 'watch' when 0 then 'none' end as squeeze_state,
        case
            when squeeze_level is null then 'no_open_interest'
            when squeeze_level > day_level then 'not_yet_below_for_long'
            when receipts_t = 0.0 then 'zero_receipts'
            when squeeze_percentile_ratio is null then 'floor_alone'
        end as squeeze_state_reason
    from held

)

select * from final
