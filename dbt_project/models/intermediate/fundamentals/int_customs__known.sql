-- As-of join: the newest month of which both flows were known at each decision, and the month before, in the versions in force then.
-- Of several codes the narrowest; of two exports of one month the one in dollars.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

trade as (

    select * from {{ ref('int_customs__trade') }}
    where role = 'product' and partner_code = 'all'

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

-- Each decision with the months it may still take, its own first. Their age is counted from the month's last day, and the month before
-- is needed, too; no month is shorter than 28 days.
asked as (

    select
        counted.commodity_code,
        counted.as_of_date,
        counted.decision_at,
        counted.oldest_month,
        counted.month_number - counted.months_before as month_number
    from (
        select
            decisions.*,
            cast(12 * extract(year from decisions.as_of_date) + extract(month from decisions.as_of_date) as integer) as month_number,
            {{ add_days('decisions.as_of_date', '-parameters.series_maximum_age_days - 62') }} as oldest_month,
            {{ each_of(numbers('(parameters.series_maximum_age_days + 62) / 28 + 2')) }} as months_before
        from decisions
        inner join parameters on decisions.commodity_code = parameters.commodity_code
    ) as counted

),

visible as (

    select
        asked.commodity_code,
        asked.as_of_date,
        trade.hs_code,
        trade.reporter,
        trade.partner_scheme,
        trade.flow,
        trade.month,
        trade.month_number,
        trade.qty_t,
        trade.available_at,
        trade.payload_sha256,
        row_number() over (
            partition by
                asked.commodity_code, asked.as_of_date, trade.hs_code, trade.reporter, trade.partner_scheme,
                trade.flow, trade.month
            order by trade.currency desc
        ) as place
    from asked
    inner join trade
        on
            asked.commodity_code = trade.commodity_code
            and asked.month_number = trade.month_number
            and asked.oldest_month <= trade.month
            and {{ known_then('trade', 'asked.decision_at') }}

),

{%- set line = ['commodity_code', 'as_of_date', 'hs_code', 'reporter', 'partner_scheme'] %}

months as (

    select
        {{ line | join(', ') }},
        month,
        month_number,
        max(case when flow = 'import' then qty_t end) as import_t,
        max(case when flow = 'export' then qty_t end) as export_t,
        max(available_at) as available_at,
        max(case when flow = 'export' then payload_sha256 end) as payload_sha256
    from visible
    where place = 1
    group by {{ line | join(', ') }}, month, month_number

),

ordered as (

    select
        *,
        cast(extract(month from month) as integer) as month_of_year,
        case when lag(month_number) over spell = month_number - 1 then lag(export_t) over spell end as previous_export_t,
        row_number() over (
            partition by commodity_code, as_of_date
            order by month desc, length(hs_code) desc, hs_code asc, reporter asc, partner_scheme asc
        ) as place
    from months
    where import_t is not null and export_t is not null
    window spell as (partition by {{ line | join(', ') }} order by month_number)

),

final as (

    select
        ordered.commodity_code,
        ordered.as_of_date,
        ordered.month as trade_month,
        ordered.import_t,
        ordered.export_t,
        ordered.import_t - ordered.export_t as net_import_t,
        {{ mom_pct('ordered.month_of_year', 'ordered.export_t', 'ordered.previous_export_t') }} as exports_mom_pct,
        {{ mom_null_reason('ordered.month_of_year', 'ordered.export_t', 'ordered.previous_export_t') }} as exports_null_reason,
        ordered.available_at,
        ordered.payload_sha256
    from ordered
    inner join parameters on ordered.commodity_code = parameters.commodity_code
    where
        ordered.place = 1
        and ordered.month >= {{ add_days('ordered.as_of_date', '-parameters.series_maximum_age_days - 31') }}

)

select * from final
