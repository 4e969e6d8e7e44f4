-- Receipts of all places together: where they stand in their history, against open interest, and in the cycle of deliveries. A window of
-- the decided reading holds only days that were known at their own decision. A day whose total is not known is as if it were not
-- there; the mart has its row.
with totals as (

    select * from {{ ref('int_receipts__totals') }}
    where whole_reason is null

),

open_interest as (

    select * from {{ ref('int_receipts__open_interest') }}

),

cycles as (

    select * from {{ ref('int_receipts__cycles') }}

),

squeezes as (

    select * from {{ ref('int_receipts__squeeze') }}

),

commodities as (

    select * from {{ ref('int_commodities__current') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

expiries as (

    select * from {{ ref('int_receipts__expiring') }}

),

moved as (

    select
        totals.*,
        {%- for measure, name in [('median', 'median_t'), ('count', 'window_observations')] %}
        {{ within(
            measure, 'totals.receipts_t', 'totals.reading, totals.commodity_code', 'totals.session_index', 'parameters.percentile_window_sessions'
        ) }} as {{ name }},
        {%- endfor %}
        {%- for n in [1, 3] %}
        case when lag(totals.session_index, {{ n }}) over held = totals.session_index - {{ n }} then lag(totals.receipts_t, {{ n }}) over held end
            as receipts_before_{{ n }}_t,
        {%- endfor %}
        max(case when totals.receipts_t > 0.0 then 1 else 0 end) over held as has_begun,
        {{ share_at_most('totals.receipts_t', 'totals.reading, totals.commodity_code', 'totals.trade_date') }} as share_of_all,
        cast(count(*) over held as double) / (totals.session_index - totals.listing_session_index + 1) as history_coverage,
        open_interest.total_t as open_interest_t,
        open_interest.dominant_t,
        open_interest.dominant_t / nullif(totals.receipts_t, 0.0) as squeeze_dominant_ratio,
        -- Windows reach back, so what a row shows is known with the last of the rows before it.
        max(greatest(totals.available_at, coalesce(open_interest.available_at, totals.available_at))) over held as known_at
    from totals
    inner join parameters on totals.commodity_code = parameters.commodity_code
    left join open_interest
        on
            totals.reading = open_interest.reading
            and totals.commodity_code = open_interest.commodity_code
            and totals.trade_date = open_interest.trade_date
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

-- What is usual: the median level of the window, and no less than a part of the open interest, so that little is not made much.
measured as (

    select
        ranked.*,
        case
            when ranked.window_observations >= parameters.percentile_minimum_sessions and ranked.open_interest_t is not null
                then greatest(ranked.median_t, parameters.receipts_usual_interest_ratio * ranked.open_interest_t)
        end as usual_t,
        case
            when
                ranked.window_observations < parameters.percentile_minimum_sessions
                or ranked.receipts_before_3_t >= parameters.receipts_base_ratio * ranked.median_t
                then {{ pct('ranked.receipts_t', 'ranked.receipts_before_3_t') }}
        end as receipts_change_3d_pct,
        case when ranked.history_coverage >= parameters.history_coverage_minimum then ranked.share_of_all end
            as percentile_since_listing_ratio,
        case when ranked.observations >= parameters.percentile_minimum_sessions then ranked.share_since_begun end
            as percentile_since_first_nonzero_ratio,
        case when ranked.dominant_observations >= parameters.percentile_minimum_sessions then ranked.dominant_share end
            as squeeze_dominant_percentile_ratio,
        cycles.delivered_contract,
        cycles.days_since_ltd,
        cycles.days_since_delivery,
        ranked.receipts_t / nullif(cycles.median_t, 0.0) as cycle_ratio,
        cycles.median_t as cycle_median_t,
        cycles.delivery_demand_t_day,
        ranked.receipts_t / nullif(cycles.delivery_demand_t_day, 0.0) as cover_days,
        {%- for days_ahead in [30, 60, 90] %}
        expiries.expiring_{{ days_ahead }}d_t / nullif(ranked.receipts_t, 0.0) as expiry_{{ days_ahead }}d_ratio,
        {%- endfor %}
        expiries.expiry_reason,
        {%- for squeeze in ['contract', 'sessions', 'ratio', 'percentile_ratio', 'cycles', 'floor_ratio', 'state', 'state_reason'] %}
        squeezes.squeeze_{{ squeeze }}{% if not loop.last %},{% endif %}
        {%- endfor %}
    from ranked
    inner join parameters on ranked.commodity_code = parameters.commodity_code
    left join cycles
        on
            ranked.reading = cycles.reading
            and ranked.commodity_code = cycles.commodity_code
            and ranked.trade_date = cycles.trade_date
    left join squeezes
        on
            ranked.reading = squeezes.reading
            and ranked.commodity_code = squeezes.commodity_code
            and ranked.trade_date = squeezes.trade_date
    left join expiries
        on
            ranked.reading = expiries.reading
            and ranked.commodity_code = expiries.commodity_code
            and ranked.trade_date = expiries.trade_date

),

flagged as (

    select
        measured.*,
        (measured.receipts_t - measured.receipts_before_3_t) / nullif(measured.usual_t, 0.0) as receipts_change_norm,
        -- A level that falls further is no less low; one that rises is on its way back.
        measured.percentile_since_first_nonzero_ratio <= parameters.receipts_low_percentile_ratio
        and measured.receipts_t <= measured.receipts_before_3_t as is_low,
        cast(round(measured.receipts_t / commodities.warrant_unit_t) as bigint) as warrants,
        parameters.receipts_inflow_ratio,
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
        usual_t as receipts_usual_t,
        receipts_change_norm,
        receipts_change_norm >= receipts_inflow_ratio as is_inflow,
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
        squeeze_sessions,
        squeeze_ratio,
        squeeze_percentile_ratio,
        squeeze_cycles,
        squeeze_floor_ratio,
        squeeze_state,
        squeeze_state_reason,
        squeeze_dominant_ratio,
        squeeze_dominant_percentile_ratio,
        is_low and squeeze_state in ('watch', 'alert') as has_delivery_concern,
        delivery_demand_t_day,
        cover_days,
        expiry_30d_ratio,
        expiry_60d_ratio,
        expiry_90d_ratio,
        {%- set none_held = 'receipts_t = 0.0' %}
        {%- set unscheduled = {
            none_held: 'zero_receipts', "expiry_reason = 'expiry_schedule_past'": 'expiry_schedule_past', "expiry_reason = 'part_refused'": 'part_refused',
            "{figure} is null and expiry_reason = 'expiry_above_receipts'": 'expiry_above_receipts', '{figure} is null': 'no_expiry_schedule',
        } %}
        {{ reasons({
            'published_change_t': {'published_change_t is null': 'part_without_change'},
            'receipts_change_t': {'receipts_before_1_t is null': 'session_before_missing'},
            'receipts_change_3d_pct': {
                'receipts_before_3_t is null': 'session_before_missing', 'receipts_before_3_t = 0.0': 'zero_receipts',
                'receipts_change_3d_pct is null': 'base_too_small',
            },
            'receipts_usual_t': {'open_interest_t is null': 'no_open_interest', 'usual_t is null': 'too_few_observations'},
            'receipts_change_norm': {
                'receipts_before_3_t is null': 'session_before_missing', 'open_interest_t is null': 'no_open_interest',
                'usual_t is null': 'too_few_observations', 'usual_t = 0.0': 'zero_receipts',
            },
            'percentile_since_listing_ratio': {'percentile_since_listing_ratio is null': 'history_incomplete'},
            'percentile_since_first_nonzero_ratio': {
                'has_begun = 0': 'zero_receipts', 'percentile_since_first_nonzero_ratio is null': 'too_few_observations',
            },
            'days_since_ltd': {'days_since_ltd is null': 'no_delivery_before'},
            'cycle_ratio': {'cycle_median_t is null': 'too_few_cycles', 'cycle_median_t = 0.0': 'zero_receipts'},
            'squeeze_ratio': {none_held: 'zero_receipts', 'squeeze_ratio is null': 'no_open_interest'},
            'squeeze_percentile_ratio': {
                none_held: 'zero_receipts', 'squeeze_ratio is null': 'no_open_interest', 'squeeze_percentile_ratio is null': 'too_few_cycles',
            },
            'squeeze_dominant_ratio': {none_held: 'zero_receipts', 'dominant_t is null': 'no_open_interest'},
            'squeeze_dominant_percentile_ratio': {
                'receipts_t > 0.0 and dominant_t is not null and squeeze_dominant_percentile_ratio is null': 'too_few_observations',
            },
            'cover_days': {'delivery_demand_t_day is null': 'too_few_cycles', 'delivery_demand_t_day = 0.0': 'no_delivery_demand'},
            'expiry_30d_ratio': unscheduled, 'expiry_60d_ratio': unscheduled, 'expiry_90d_ratio': unscheduled,
        }) }} as null_reason,
        known_at as available_at,
        source,
        data_origin,
        payload_sha256
    from flagged

)

select * from final
