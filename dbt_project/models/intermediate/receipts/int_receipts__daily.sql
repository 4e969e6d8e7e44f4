-- The total is the sum of detail rows over the warehouse and the factory table: the printed 总计 covers warehouses only.
-- Two readings (macro readings). The decided one holds only days whose receipts and quotes were known at the day's own decision: what
-- came later is as if it were not there, in the day itself and in every window.
with warehouses as (

    select * from {{ ref('int_receipts__warehouses') }}

),

futures as (

    select * from {{ ref('int_futures__daily') }}

),

deliveries as (

    select * from {{ ref('int_contracts__deliveries') }}

),

commodities as (

    select * from {{ ref('int_commodities__current') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

terms as (

    select * from {{ ref('int_commodities__terms') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

-- Each session of the exchange, from which one a percentile since listing would count, and the delivery before it.
sessions as (

    select
        commodities.commodity_code,
        days.trade_date,
        days.session_index,
        -- A calendar that begins after the listing cannot count the sessions since.
        case
            when min(days.trade_date) over (partition by commodities.commodity_code) <= commodities.listing_date
                then min(case when days.trade_date >= commodities.listing_date then days.session_index end)
                    over (partition by commodities.commodity_code)
        end as listing_session_index,
        max(deliveries.cycle) over elapsed as cycle,
        {{ shanghai_time('days.trade_date', 'parameters.decision_time_minutes') }} as decided_by
    from commodities
    cross join days
    inner join parameters on commodities.commodity_code = parameters.commodity_code
    left join deliveries
        on
            commodities.commodity_code = deliveries.commodity_code
            and days.session_index = deliveries.last_session_index
    window elapsed as (partition by commodities.commodity_code order by days.trade_date)

),

totals as (

    select
        warehouses.reading,
        warehouses.commodity_code,
        warehouses.trade_date,
        sessions.session_index,
        sessions.listing_session_index,
        sessions.decided_by,
        sessions.cycle,
        sum(warehouses.receipts_t) as receipts_t,
        sum(warehouses.published_change_t) as published_change_t,
        count(*) as warehouse_count,
        max(warehouses.available_at) as available_at,
        max(warehouses.source) as source,
        max(warehouses.data_origin) as data_origin,
        max(warehouses.payload_sha256) as payload_sha256
    from warehouses
    inner join sessions
        on
            warehouses.commodity_code = sessions.commodity_code
            and warehouses.trade_date = sessions.trade_date
    where warehouses.reading = 'latest' or warehouses.available_at <= sessions.decided_by
    group by
        warehouses.reading,
        warehouses.commodity_code,
        warehouses.trade_date,
        sessions.session_index,
        sessions.listing_session_index,
        sessions.decided_by,
        sessions.cycle

),

open_interest as (

    select
        futures.reading,
        futures.commodity_code,
        futures.trade_date,
        {%- set left = 'case when futures.sessions_to_last_trading_day >= 0 then -futures.sessions_to_last_trading_day end' %}
        {{ arg_max('futures.contract_code', left) }} as nearest_contract,
        {{ arg_max('futures.open_interest_lots * deliveries.contract_size_t', left) }} as nearest_t,
        min(case when futures.sessions_to_last_trading_day >= 0 then futures.sessions_to_last_trading_day end) as nearest_sessions,
        max(case when futures.is_dominant then futures.open_interest_lots * deliveries.contract_size_t end) as dominant_t,
        -- Positions still open at the close of the last trading day are delivered.
        max(
            case when futures.sessions_to_last_trading_day = 0 then futures.open_interest_lots * deliveries.contract_size_t end
        ) as delivered_t,
        max(futures.available_at) as available_at
    from futures
    inner join deliveries on futures.contract_code = deliveries.contract_code
    inner join sessions
        on
            futures.commodity_code = sessions.commodity_code
            and futures.trade_date = sessions.trade_date
    where futures.reading = 'latest' or futures.available_at <= sessions.decided_by
    group by futures.reading, futures.commodity_code, futures.trade_date

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

moved as (

    select
        totals.*,
        deliveries.contract_code as delivered_contract,
        totals.session_index - deliveries.last_session_index as days_since_ltd,
        totals.session_index - deliveries.last_session_index - deliveries.delivery_sessions as days_since_delivery,
        {%- for n in [1, 3] %}
        case when lag(totals.session_index, {{ n }}) over held = totals.session_index - {{ n }} then lag(totals.receipts_t, {{ n }}) over held end
            as receipts_before_{{ n }}_t,
        {%- endfor %}
        case
            when lag(totals.session_index, 2) over held = totals.session_index - 2
                then lag(totals.receipts_t, 2) over held = totals.receipts_t and lag(totals.receipts_t) over held = totals.receipts_t
        end as is_unchanged,
        max(case when totals.receipts_t > 0.0 then 1 else 0 end) over held as has_begun,
        {{ share_at_most('totals.receipts_t', 'totals.reading, totals.commodity_code', 'totals.trade_date') }} as share_of_all,
        count(*) over held * 1.0 / (totals.session_index - totals.listing_session_index + 1) as history_coverage,
        open_interest.nearest_contract as squeeze_contract,
        open_interest.nearest_sessions,
        -- On its last trading day what is open is being delivered, and presses on the receipts no more.
        case when open_interest.nearest_sessions > 0 then open_interest.nearest_t end / nullif(totals.receipts_t, 0.0) as squeeze_ratio,
        open_interest.dominant_t,
        open_interest.dominant_t / nullif(totals.receipts_t, 0.0) as squeeze_dominant_ratio,
        -- Windows reach back, so what a row shows is known with the last of the rows before it.
        max(greatest(totals.available_at, coalesce(open_interest.available_at, totals.available_at))) over held as known_at
    from totals
    left join open_interest
        on
            totals.reading = open_interest.reading
            and totals.commodity_code = open_interest.commodity_code
            and totals.trade_date = open_interest.trade_date
    left join deliveries
        on
            totals.commodity_code = deliveries.commodity_code
            and totals.cycle = deliveries.cycle
    window held as (partition by totals.reading, totals.commodity_code order by totals.trade_date)

),

ranked as (

    select
        *,
        case
            when has_begun = 1 then {{ share_at_most('receipts_t', 'reading, commodity_code, has_begun', 'trade_date') }}
        end as share_since_begun,
        count(*) over (partition by reading, commodity_code, has_begun order by trade_date) as observations,
        case
            when squeeze_dominant_ratio is not null
                then {{ share_at_most('squeeze_dominant_ratio', 'reading, commodity_code, squeeze_dominant_ratio is null', 'trade_date') }}
        end as dominant_share,
        count(squeeze_dominant_ratio) over (partition by reading, commodity_code order by trade_date) as dominant_observations
    from moved

),

-- The level at the same day of the cycles before; a cycle without that day makes the comparison impossible, it is not bridged.
seasons as (

    select
        today.reading,
        today.commodity_code,
        today.trade_date,
        case when count(*) = max(today.delivery_cycles) then median(history.receipts_t) end as median_t
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
                ranked.reading,
                ranked.commodity_code,
                ranked.trade_date,
                ranked.days_since_ltd,
                ranked.cycle,
                parameters.delivery_cycles,
                {{ each_of(numbers('parameters.delivery_cycles')) }} as cycles_before
            from ranked
            inner join parameters on ranked.commodity_code = parameters.commodity_code
        ) as counted
    ) as today
    inner join ranked as history
        on
            today.reading = history.reading
            and today.commodity_code = history.commodity_code
            and today.days_since_ltd = history.days_since_ltd
            and today.earlier_cycle = history.cycle
    group by today.reading, today.commodity_code, today.trade_date

),

-- What the exchange prints of receipts about to expire, restated each month: a figure of an earlier month no longer holds.
expiries as (

    select
        totals.reading,
        totals.commodity_code,
        totals.trade_date,
        {%- for days_ahead in [30, 60, 90] %}
        max(case when terms.term = 'receipts_expiring_{{ days_ahead }}d_t' then terms.term_value end) as expiring_{{ days_ahead }}d_t
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from totals
    inner join terms
        on
            totals.commodity_code = terms.commodity_code
            and terms.term like 'receipts_expiring_%'
            and totals.trade_date >= terms.valid_from
            and (terms.superseded_from is null or totals.trade_date < terms.superseded_from)
            and date_trunc('month', totals.trade_date) = date_trunc('month', terms.valid_from)
    group by totals.reading, totals.commodity_code, totals.trade_date

),

measured as (

    select
        ranked.*,
        {{ pct('ranked.receipts_t', 'ranked.receipts_before_3_t') }} as receipts_change_3d_pct,
        case when ranked.history_coverage >= parameters.history_coverage_minimum then ranked.share_of_all end
            as percentile_since_listing_ratio,
        case
            when ranked.observations >= parameters.percentile_minimum_sessions then ranked.share_since_begun
        end as percentile_since_first_nonzero_ratio,
        case
            when ranked.dominant_observations >= parameters.percentile_minimum_sessions then ranked.dominant_share
        end as squeeze_dominant_percentile_ratio,
        ranked.receipts_t / nullif(seasons.median_t, 0.0) as cycle_ratio,
        seasons.median_t,
        demand.delivery_demand_t_day,
        ranked.receipts_t / nullif(demand.delivery_demand_t_day, 0.0) as cover_days,
        {%- for days_ahead in [30, 60, 90] %}
        expiries.expiring_{{ days_ahead }}d_t / nullif(ranked.receipts_t, 0.0) as expiry_{{ days_ahead }}d_ratio,
        {%- endfor %}
        case
            when ranked.squeeze_ratio is null then null
            when ranked.nearest_sessions > parameters.squeeze_window_sessions then 'none'
            when ranked.squeeze_ratio > parameters.squeeze_alert_ratio then 'alert'
            when ranked.squeeze_ratio > parameters.squeeze_watch_ratio then 'watch'
            else 'none'
        end as squeeze_state
    from ranked
    inner join parameters on ranked.commodity_code = parameters.commodity_code
    left join seasons
        on
            ranked.reading = seasons.reading
            and ranked.commodity_code = seasons.commodity_code
            and ranked.trade_date = seasons.trade_date
    left join demand
        on
            ranked.reading = demand.reading
            and ranked.commodity_code = demand.commodity_code
            and ranked.cycle = demand.cycle
    left join expiries
        on
            ranked.reading = expiries.reading
            and ranked.commodity_code = expiries.commodity_code
            and ranked.trade_date = expiries.trade_date

),

flagged as (

    select
        measured.*,
        measured.percentile_since_first_nonzero_ratio <= parameters.receipts_low_percentile_ratio and measured.is_unchanged as is_low,
        cast(round(measured.receipts_t / commodities.warrant_unit_t) as bigint) as warrants,
        abs(measured.receipts_t - commodities.warrant_unit_t * round(measured.receipts_t / commodities.warrant_unit_t))
        <= parameters.warrant_tolerance_ratio * measured.receipts_t as is_warrant_multiple
    from measured
    inner join commodities on measured.commodity_code = commodities.commodity_code
    inner join parameters on measured.commodity_code = parameters.commodity_code

),

final as (

    select
        reading,
        commodity_code,
        trade_date,
        receipts_t,
        receipts_t - receipts_before_1_t as receipts_change_t,
        published_change_t,
        receipts_change_3d_pct,
        warrants,
        is_warrant_multiple,
        warehouse_count,
        percentile_since_listing_ratio,
        percentile_since_first_nonzero_ratio,
        is_low,
        delivered_contract,
        days_since_ltd,
        days_since_delivery,
        cycle_ratio,
        squeeze_contract,
        squeeze_ratio,
        squeeze_state,
        squeeze_dominant_ratio,
        squeeze_dominant_percentile_ratio,
        is_low and squeeze_state in ('watch', 'alert') as has_delivery_concern,
        delivery_demand_t_day,
        cover_days,
        expiry_30d_ratio,
        expiry_60d_ratio,
        expiry_90d_ratio,
        {%- set none_held = 'receipts_t = 0.0' %}
        {{ reasons({
            'receipts_change_t': {'receipts_before_1_t is null': 'session_before_missing'},
            'receipts_change_3d_pct': {'receipts_before_3_t is null': 'session_before_missing', 'receipts_before_3_t = 0.0': 'zero_receipts'},
            'percentile_since_listing_ratio': {'percentile_since_listing_ratio is null': 'history_incomplete'},
            'percentile_since_first_nonzero_ratio': {
                'has_begun = 0': 'zero_receipts', 'percentile_since_first_nonzero_ratio is null': 'too_few_observations',
            },
            'days_since_ltd': {'days_since_ltd is null': 'no_delivery_before'},
            'cycle_ratio': {'median_t is null': 'too_few_cycles', 'median_t = 0.0': 'zero_receipts'},
            'squeeze_ratio': {none_held: 'zero_receipts', 'nearest_sessions = 0': 'expiring_month', 'squeeze_ratio is null': 'no_open_interest'},
            'squeeze_dominant_ratio': {none_held: 'zero_receipts', 'dominant_t is null': 'no_open_interest'},
            'squeeze_dominant_percentile_ratio': {
                'receipts_t > 0.0 and dominant_t is not null and squeeze_dominant_percentile_ratio is null': 'too_few_observations',
            },
            'cover_days': {'delivery_demand_t_day is null': 'too_few_cycles', 'delivery_demand_t_day = 0.0': 'no_delivery_demand'},
            'expiry_30d_ratio': {none_held: 'zero_receipts', 'expiry_30d_ratio is null': 'no_expiry_schedule'},
            'expiry_60d_ratio': {none_held: 'zero_receipts', 'expiry_60d_ratio is null': 'no_expiry_schedule'},
            'expiry_90d_ratio': {none_held: 'zero_receipts', 'expiry_90d_ratio is null': 'no_expiry_schedule'},
        }) }} as null_reason,
        known_at as available_at,
        source,
        data_origin,
        payload_sha256
    from flagged

)

select * from final
