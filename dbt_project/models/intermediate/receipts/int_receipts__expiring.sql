-- What of the receipts expires within 30, 60 and 90 days: by the last table of expiring receipts that was known at the day's decision, else by
-- the term. Both are restated each month: figures of an earlier month no longer hold. Warehouses and factories are added up, and a table of
-- which a row was refused gives nothing. More than there is cannot expire: the table is older than a withdrawal.
{%- set months_ahead = [('30d', 1), ('60d', 2), ('90d', 3)] %}

with totals as (

    select * from {{ ref('int_receipts__totals') }}
    where whole_reason is null

),

printed as (

    select * from {{ ref('stg_expiry__receipts') }}

),

{{ refused_parts('of_product', ['expiry__receipts'], ['product_id']) }},

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}
    where dataset = 'expiry__receipts'

),

terms as (

    select * from {{ ref('int_commodities__terms') }}
    where term like 'receipts_expiring_%'

),

timed as (

    select
        commodities.commodity_code,
        printed.provider,
        printed.trade_date,
        printed.warehouse_type,
        {%- for month in [0, 1, 2] %}
        case
            when of_any.payload_sha256 is null and of_product.payload_sha256 is null
                then printed.expiring_{{ month }}m_qty * case printed.quantity_unit when 't' then 1.0 when 'kg' then 0.001 end
        end as expiring_{{ month }}m_t,
        {%- endfor %}
        printed.source,
        printed.data_origin,
        printed.payload_sha256,
        printed.fetched_at,
        {{ clock_at('printed.trade_date', 'printed.published_at', 'clock') }} as clock_at
    from printed
    inner join commodities
        on
            printed.exchange = commodities.exchange
            and printed.product_id = commodities.product_id
    cross join clock
    left join of_any on printed.payload_sha256 = of_any.payload_sha256
    left join of_product
        on
            printed.payload_sha256 = of_product.payload_sha256
            and printed.product_id = of_product.product_id

),

versions as (

    {{ payload_versions(
        'timed',
        keys=['commodity_code', 'provider', 'trade_date'],
        said=[
            'told.warehouse_type', 'cast(told.expiring_0m_t as string)', 'cast(told.expiring_1m_t as string)', 'cast(told.expiring_2m_t as string)',
        ],
        order=['told.warehouse_type'],
    ) }}

),

schedules as (

    select
        timed.commodity_code,
        timed.provider,
        timed.trade_date,
        {%- for _, months in months_ahead %}
        {%- set parts = [] %}{% for month in range(months) %}{% do parts.append('timed.expiring_' ~ month ~ 'm_t') %}{% endfor %}
        case when count(timed.expiring_0m_t) = count(*) then sum({{ parts | join(' + ') }}) end as expiring_{{ months }}_t,
        {%- endfor %}
        versions.available_at,
        versions.superseded_at
    from timed
    inner join versions
        on
            timed.commodity_code = versions.commodity_code
            and timed.provider = versions.provider
            and timed.trade_date = versions.trade_date
            and timed.payload_sha256 = versions.payload_sha256
    group by
        timed.commodity_code, timed.provider, timed.trade_date, timed.payload_sha256, versions.available_at, versions.superseded_at

),

-- Where several providers are held, the first by name; their tables are never mixed.
in_month as (

    select
        totals.reading,
        totals.commodity_code,
        totals.trade_date,
        schedules.expiring_1_t,
        schedules.expiring_2_t,
        schedules.expiring_3_t,
        row_number() over (
            partition by totals.reading, totals.commodity_code, totals.trade_date
            order by schedules.trade_date desc, schedules.provider asc, schedules.available_at desc
        ) as place
    from totals
    inner join schedules
        on
            totals.commodity_code = schedules.commodity_code
            and date_trunc('month', totals.trade_date) = date_trunc('month', schedules.trade_date)
    where schedules.trade_date <= totals.trade_date and {{ known_then('schedules', 'totals.decided_by') }}

),

-- From when on there was a table at all.
first_held as (

    select
        commodity_code,
        min(available_at) as available_at
    from schedules
    group by commodity_code

),

by_term as (

    select
        totals.reading,
        totals.commodity_code,
        totals.trade_date,
        {%- for days, _ in months_ahead %}
        max(case when terms.term = 'receipts_expiring_{{ days }}_t' then terms.term_value end) as expiring_{{ days }}_t
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from totals
    inner join terms
        on
            totals.commodity_code = terms.commodity_code
            and {{ in_force('terms', 'totals.trade_date') }}
            and date_trunc('month', totals.trade_date) = date_trunc('month', terms.valid_from)
    group by totals.reading, totals.commodity_code, totals.trade_date

),

chosen as (

    select
        totals.reading,
        totals.commodity_code,
        totals.trade_date,
        totals.receipts_t,
        {%- for days, months in months_ahead %}
        coalesce(in_month.expiring_{{ months }}_t, by_term.expiring_{{ days }}_t) as expiring_{{ days }}_t,
        {%- endfor %}
        case
            when by_term.expiring_30d_t is not null or in_month.expiring_1_t is not null then null
            when in_month.place = 1 then 'part_refused'
            when first_held.available_at <= totals.decided_by then 'expiry_schedule_past'
        end as schedule_reason
    from totals
    left join in_month
        on
            totals.reading = in_month.reading
            and totals.commodity_code = in_month.commodity_code
            and totals.trade_date = in_month.trade_date
            and in_month.place = 1
    left join by_term
        on
            totals.reading = by_term.reading
            and totals.commodity_code = by_term.commodity_code
            and totals.trade_date = by_term.trade_date
    left join first_held on totals.commodity_code = first_held.commodity_code

),

final as (

    select
        reading,
        commodity_code,
        trade_date,
        {%- for days, _ in months_ahead %}
        case when expiring_{{ days }}_t <= receipts_t then expiring_{{ days }}_t end as expiring_{{ days }}_t,
        {%- endfor %}
        case
            when schedule_reason is not null then schedule_reason
            when greatest(expiring_30d_t, expiring_60d_t, expiring_90d_t) > receipts_t then 'expiry_above_receipts'
        end as expiry_reason
    from chosen

)

select * from final
