-- The weekly stock report as known at each decision, all places together: what is of delivery grade, on warrant or not, and what could still be
-- put on warrant. A factory prints no stock beside its warrants; what it could deliver is what is on warrant.
with stock as (

    select * from {{ ref('int_stock__weekly') }}
    where row_level = 'detail'

),

decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

-- A version of a week's report by its place: weeks in their order, and within a week what came later.
reports as (

    select
        commodity_code,
        cast(trade_date as string) || right('00000' || cast(vintage as string), 6) as place,
        trade_date as stock_date,
        max(whole_reason) as whole_reason,
        sum(on_warrant_t) as on_warrant_t,
        case when count(deliverable_t) > 0 then sum(deliverable_t - on_warrant_t) end as off_warrant_t,
        case when count(capacity_free_t) > 0 then sum(capacity_free_t) end as capacity_free_t,
        max(available_at) as available_at,
        max(payload_sha256) as payload_sha256
    from stock
    group by commodity_code, trade_date, vintage

),

asked as (

    select
        commodity_code,
        available_at as seen_at,
        place,
        cast(null as date) as as_of_date
    from reports

    union all

    select
        commodity_code,
        decision_at as seen_at,
        cast(null as string) as place,
        as_of_date
    from decisions

),

-- What was seen at a moment is seen by a decision of that moment.
answered as (

    select
        commodity_code,
        as_of_date,
        max(place) over (partition by commodity_code order by seen_at) as place
    from asked

),

placed as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        reports.stock_date,
        reports.whole_reason,
        reports.on_warrant_t,
        reports.off_warrant_t,
        reports.capacity_free_t,
        reports.available_at,
        reports.payload_sha256,
        decisions.session_index - days.session_index as stock_age_sessions
    from decisions
    inner join answered
        on
            decisions.commodity_code = answered.commodity_code
            and decisions.as_of_date = answered.as_of_date
    left join reports
        on
            answered.commodity_code = reports.commodity_code
            and answered.place = reports.place
    left join days on reports.stock_date = days.trade_date

),

judged as (

    select
        placed.*,
        case
            when placed.stock_date is null then 'no_report'
            when coalesce(placed.stock_age_sessions, parameters.stock_age_sessions_maximum + 1) > parameters.stock_age_sessions_maximum
                then 'report_too_old'
            else placed.whole_reason
        end as stock_reason
    from placed
    inner join parameters on placed.commodity_code = parameters.commodity_code

),

final as (

    select
        commodity_code,
        as_of_date,
        stock_date,
        stock_age_sessions,
        {%- for figure in ['on_warrant_t', 'off_warrant_t', 'capacity_free_t'] %}
        case when stock_reason is null then {{ figure }} end as {{ figure }},
        {%- endfor %}
        stock_reason,
        available_at,
        payload_sha256
    from judged

)

select * from final
