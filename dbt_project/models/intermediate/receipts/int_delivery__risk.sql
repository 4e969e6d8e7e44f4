-- What there is to deliver and what asks for it, as known at each decision: one row, made of receipts, the weekly stock, what expires, the last
-- delivery and the nearest contracts.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

receipts as (

    select * from {{ ref('int_receipts__daily') }}
    where reading = 'decided'

),

unknown as (

    select * from {{ ref('int_receipts__totals') }}
    where reading = 'decided' and whole_reason is not null

),

cycles as (

    select * from {{ ref('int_receipts__cycles') }}
    where reading = 'decided'

),

expiries as (

    select * from {{ ref('int_receipts__expiring') }}
    where reading = 'decided'

),

stock as (

    select * from {{ ref('int_stock__known') }}

),

contracts as (

    select
        commodity_code,
        trade_date,
        {%- for name, place in [('near', 1), ('next', 2)] %}
        max(case when place = {{ place }} then contract_code end) as {{ name }}_contract,
        max(case when place = {{ place }} then sessions_to_last_trading_day end) as {{ name }}_sessions,
        max(case when place = {{ place }} then open_interest_t end) as {{ name }}_open_interest_t,
        {%- endfor %}
        count(*) as contracts
    from (
        select
            *,
            row_number() over (
                partition by commodity_code, trade_date
                order by sessions_to_last_trading_day, delivery_month
            ) as place
        from {{ ref('int_receipts__contracts') }}
        where reading = 'decided' and sessions_to_last_trading_day >= 1
    ) as placed
    group by commodity_code, trade_date

),

final as (

    select
        decisions.commodity_code,
        decisions.as_of_date as trade_date,
        decisions.decision_at,
        receipts.receipts_t,
        receipts.receipts_change_t,
        receipts.receipts_change_norm,
        receipts.is_inflow,
        receipts.is_low,
        stock.stock_date,
        stock.on_warrant_t,
        stock.off_warrant_t,
        stock.on_warrant_t + stock.off_warrant_t as deliverable_t,
        stock.capacity_free_t,
        {%- for days in [30, 60, 90] %}
        expiries.expiring_{{ days }}d_t,
        {%- endfor %}
        cycles.delivered_contract,
        cycles.days_since_ltd,
        cycles.days_since_delivery,
        cycles.delivered_t,
        cycles.withdrawn_t,
        cycles.withdrawn_usual_t,
        contracts.near_contract,
        contracts.near_sessions,
        contracts.near_open_interest_t,
        contracts.next_contract,
        contracts.next_sessions,
        contracts.next_open_interest_t,
        receipts.squeeze_ratio,
        receipts.squeeze_percentile_ratio,
        receipts.squeeze_cycles,
        receipts.squeeze_floor_ratio,
        receipts.squeeze_state,
        receipts.squeeze_state_reason,
        -- As if all goods of delivery grade were on warrant.
        contracts.near_open_interest_t / nullif(receipts.receipts_t + stock.off_warrant_t, 0.0) as squeeze_deliverable_ratio,
        receipts.delivery_demand_t_day,
        receipts.cover_days,
        {%- set no_receipts = 'receipts.receipts_t is null' %}
        {%- set stock_reasons = {
            "stock.stock_reason = 'no_report'": 'no_report', "stock.stock_reason = 'report_too_old'": 'report_too_old',
            "stock.stock_reason = 'part_refused'": 'part_refused', "stock.stock_reason = 'sum_broken'": 'sum_broken',
        } %}
        {%- set off_reasons = dict(stock_reasons, **{'stock.off_warrant_t is null': 'not_printed'}) %}
        {%- set free_reasons = dict(stock_reasons, **{'stock.capacity_free_t is null': 'not_printed'}) %}
        {%- set expiry_reasons = {
            no_receipts: 'no_receipts', "expiries.expiry_reason = 'part_refused'": 'part_refused',
            "expiries.expiry_reason = 'expiry_schedule_past'": 'expiry_schedule_past',
        } %}
        {{ reasons({
            'receipts_t': {
                "unknown.whole_reason = 'part_refused'": 'part_refused', "unknown.whole_reason = 'sum_broken'": 'sum_broken',
                no_receipts: 'not_known_at_the_decision',
            },
            'receipts_change_t': {'receipts.receipts_change_t is null': 'session_before_missing'},
            'receipts_change_norm': {no_receipts: 'no_receipts', 'receipts.receipts_change_norm is null': 'history_too_short'},
            'on_warrant_t': stock_reasons,
            'off_warrant_t': off_reasons,
            'capacity_free_t': free_reasons,
            'expiring_30d_t': dict(expiry_reasons, **{'expiries.expiring_30d_t is null': 'no_expiry_schedule'}),
            'expiring_60d_t': dict(expiry_reasons, **{'expiries.expiring_60d_t is null': 'no_expiry_schedule'}),
            'expiring_90d_t': dict(expiry_reasons, **{'expiries.expiring_90d_t is null': 'no_expiry_schedule'}),
            'days_since_ltd': {no_receipts: 'no_receipts', 'cycles.days_since_ltd is null': 'no_delivery_before'},
            'delivered_t': {
                no_receipts: 'no_receipts', 'cycles.days_since_ltd is null': 'no_delivery_before', 'cycles.delivered_t is null': 'no_open_interest',
            },
            'withdrawn_t': {
                no_receipts: 'no_receipts', 'cycles.days_since_ltd is null': 'no_delivery_before', 'cycles.withdrawn_t is null': 'session_missing',
            },
            'withdrawn_usual_t': {no_receipts: 'no_receipts', 'cycles.withdrawn_usual_t is null': 'too_few_cycles'},
            'near_open_interest_t': {'contracts.near_open_interest_t is null': 'no_open_interest'},
            'next_open_interest_t': {'contracts.next_open_interest_t is null': 'no_open_interest'},
            'squeeze_ratio': {
                no_receipts: 'no_receipts', 'receipts.receipts_t = 0.0': 'zero_receipts', 'receipts.squeeze_ratio is null': 'no_open_interest',
            },
            'squeeze_percentile_ratio': {'receipts.squeeze_ratio is not null and receipts.squeeze_percentile_ratio is null': 'too_few_cycles'},
            'squeeze_deliverable_ratio': {
                no_receipts: 'no_receipts', 'contracts.near_open_interest_t is null': 'no_open_interest', 'stock.off_warrant_t is null': 'no_stock',
                'receipts.receipts_t + stock.off_warrant_t = 0.0': 'nothing_deliverable',
            },
            'cover_days': {
                no_receipts: 'no_receipts', 'receipts.delivery_demand_t_day is null': 'too_few_cycles',
                'receipts.delivery_demand_t_day = 0.0': 'no_delivery_demand',
            },
        }) }} as null_reason,
        -- What the row says is missing is as much of it as what it shows, so it is known with its decision.
        decisions.decision_at as available_at,
        decisions.data_origin,
        coalesce(receipts.payload_sha256, unknown.payload_sha256) as payload_sha256
    from decisions
    left join receipts
        on
            decisions.commodity_code = receipts.commodity_code
            and decisions.as_of_date = receipts.trade_date
    left join unknown
        on
            decisions.commodity_code = unknown.commodity_code
            and decisions.as_of_date = unknown.trade_date
    left join cycles
        on
            decisions.commodity_code = cycles.commodity_code
            and decisions.as_of_date = cycles.trade_date
    left join expiries
        on
            decisions.commodity_code = expiries.commodity_code
            and decisions.as_of_date = expiries.trade_date
    left join contracts
        on
            decisions.commodity_code = contracts.commodity_code
            and decisions.as_of_date = contracts.trade_date
    left join stock
        on
            decisions.commodity_code = stock.commodity_code
            and decisions.as_of_date = stock.as_of_date

)

select * from final
