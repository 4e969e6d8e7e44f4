-- Growth is taken inside one code and level only: a heading is wider than an item, and a history of one never continues the other.
{%- set line = ['commodity_code', 'role', 'hs_code', 'hs_scope', 'reporter', 'partner_scheme'] %}
{%- set series = line + ['flow', 'partner_code'] %}

with trade as (

    select * from {{ ref('int_customs__trade') }}
    where is_latest

),

-- The same export may be there in dollars and in yuan; dollars come first.
ranked as (

    select
        *,
        cast(extract(year from month) as integer) as trade_year,
        cast(extract(month from month) as integer) as month_of_year,
        row_number() over (partition by {{ series | join(', ') }}, month order by currency desc) as place
    from trade

),

dated as (

    select
        *,
        case
            when lag(month_number) over (partition by {{ series | join(', ') }} order by month_number) = month_number - 1
                then lag(qty_t) over (partition by {{ series | join(', ') }} order by month_number)
        end as previous_qty_t,
        case
            when lag(month_number) over (partition by {{ series | join(', ') }} order by month_number) = month_number - 1
                then lag(available_at) over (partition by {{ series | join(', ') }} order by month_number)
        end as previous_available_at,
        sum(qty_t) over (partition by {{ series | join(', ') }}, trade_year order by month_number) as sum_since_january_t,
        count(qty_t) over (partition by {{ series | join(', ') }}, trade_year order by month_number) as months_since_january,
        max(available_at) over (partition by {{ series | join(', ') }}, trade_year order by month_number) as year_available_at
    from ranked
    where place = 1

),

totals as (

    select * from dated
    where partner_code = 'all'

),

-- Months any code of the same role was counted in: what tells a break of scope from a month that is not held.
counted as (

    select distinct
        commodity_code,
        role,
        flow,
        reporter,
        month_number
    from totals

),

compared as (

    select
        dated.*,
        year_ago.qty_t as year_ago_qty_t,
        year_ago.previous_qty_t as year_ago_previous_qty_t,
        year_ago.available_at as year_ago_available_at,
        counted.month_number is not null as is_year_ago_counted,
        totals.qty_t as total_qty_t,
        totals.available_at as total_available_at,
        totals.sum_since_january_t as total_since_january_t,
        totals.months_since_january = dated.month_of_year as is_year_complete,
        -- The year so far, and its total, are what they are since the newest of their months, which may be an early one restated.
        greatest(dated.year_available_at, totals.year_available_at) as ytd_available_at
    from dated
    left join dated as year_ago
        on
            dated.month_number - 12 = year_ago.month_number
            {%- for column in series %}
            and dated.{{ column }} = year_ago.{{ column }}
            {%- endfor %}
    left join counted
        on
            dated.month_number - 12 = counted.month_number
            and dated.commodity_code = counted.commodity_code
            and dated.role = counted.role
            and dated.flow = counted.flow
            and dated.reporter = counted.reporter
    left join totals
        on
            dated.month_number = totals.month_number
            and dated.flow = totals.flow
            {%- for column in line %}
            and dated.{{ column }} = totals.{{ column }}
            {%- endfor %}

),

-- January and February together are what a year before is compared with: they come together and the holiday moves between them.
grown as (

    select
        *,
        {{ mom_pct('month_of_year', 'qty_t', 'previous_qty_t') }} as mom_pct,
        {{ mom_null_reason('month_of_year', 'qty_t', 'previous_qty_t') }} as mom_null_reason,
        case
            when month_of_year = 2 then {{ pct('(qty_t + previous_qty_t)', '(year_ago_qty_t + year_ago_previous_qty_t)') }}
            when month_of_year > 2 then {{ pct('qty_t', 'year_ago_qty_t') }}
        end as yoy_pct,
        case when month_of_year = 2 then 'january_february' when month_of_year > 2 then 'month' end as yoy_basis,
        case
            when month_of_year = 1 then 'january_comes_with_february'
            when qty_t is null or (month_of_year = 2 and previous_qty_t is null) then 'no_quantity'
            when year_ago_qty_t is null and is_year_ago_counted and partner_code = 'all' then 'scope_break'
            when coalesce(year_ago_qty_t, 0.0) = 0.0 or (month_of_year = 2 and year_ago_previous_qty_t is null) then 'no_year_ago'
        end as yoy_null_reason,
        case when is_year_complete then sum_since_january_t end as ytd_t,
        case when is_year_complete then sum_since_january_t / nullif(total_since_january_t, 0.0) end as partner_share_ytd_ratio
    from compared

),

flows as (

    select
        {{ line | join(', ') }},
        flow,
        partner_code,
        partner_name,
        month,
        qty_t,
        value_usd,
        value_usd / nullif(qty_t, 0.0) as unit_value_usd_t,
        mom_pct,
        mom_null_reason,
        yoy_pct,
        yoy_basis,
        yoy_null_reason,
        ytd_t,
        cast(null as double) as net_import_t,
        qty_t / nullif(total_qty_t, 0.0) as partner_share_ratio,
        partner_share_ytd_ratio,
        case
            when partner_code = 'all' and is_part_refused then 'part_refused'
            when qty_t is null then 'no_quantity'
            when total_qty_t is null then 'total_unknown'
            when value_usd is null then 'no_value_in_dollars'
            when ytd_t is null then 'year_not_complete'
        end as null_reason,
        greatest(
            available_at,
            coalesce(previous_available_at, available_at),
            coalesce(year_ago_available_at, available_at),
            coalesce(total_available_at, available_at),
            case when is_year_complete then ytd_available_at else available_at end
        ) as available_at,
        vintage,
        source,
        data_origin,
        payload_sha256
    from grown

),

imports as (

    select * from flows
    where flow = 'import' and partner_code = 'all'

),

exports as (

    select * from flows
    where flow = 'export' and partner_code = 'all'

),

nets as (

    select
        {%- for column in line %}
        coalesce(imports.{{ column }}, exports.{{ column }}) as {{ column }},
        {%- endfor %}
        'net' as flow,
        'all' as partner_code,
        'all' as partner_name,
        coalesce(imports.month, exports.month) as month,
        cast(null as double) as qty_t,
        cast(null as double) as value_usd,
        cast(null as double) as unit_value_usd_t,
        cast(null as double) as mom_pct,
        'balance_has_no_growth' as mom_null_reason,
        cast(null as double) as yoy_pct,
        cast(null as string) as yoy_basis,
        'balance_has_no_growth' as yoy_null_reason,
        imports.ytd_t - exports.ytd_t as ytd_t,
        imports.qty_t - exports.qty_t as net_import_t,
        cast(null as double) as partner_share_ratio,
        cast(null as double) as partner_share_ytd_ratio,
        case
            when imports.qty_t is null then 'no_import_figure'
            when exports.qty_t is null then 'no_export_figure'
            when imports.ytd_t is null or exports.ytd_t is null then 'year_not_complete'
        end as null_reason,
        greatest(
            coalesce(imports.available_at, exports.available_at),
            coalesce(exports.available_at, imports.available_at)
        ) as available_at,
        greatest(coalesce(imports.vintage, 1), coalesce(exports.vintage, 1)) as vintage,
        coalesce(imports.source, exports.source) as source,
        -- Of two origins the least trustworthy, as everywhere: sample comes last in the alphabet.
        greatest(coalesce(imports.data_origin, exports.data_origin), coalesce(exports.data_origin, imports.data_origin)) as data_origin,
        coalesce(imports.payload_sha256, exports.payload_sha256) as payload_sha256
    from imports
    full outer join exports
        on
            imports.month = exports.month
            {%- for column in line %}
            and imports.{{ column }} = exports.{{ column }}
            {%- endfor %}

),

final as (

    select * from flows
    union all
    select * from nets

)

select * from final
