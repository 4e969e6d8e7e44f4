-- The balance as a yearly rate: at each decision with what was known then (daily), and month by month with what is known now (monthly).
-- Production and demand are one provider's; another provider's count of the country makes no figure with it. Trade is the customs'.
{%- set uses = ['downstream_use_t_t', 'non_metallurgical_ratio', 'downstream_ceiling_kt_a'] %}

with known as (

    select * from {{ ref('int_series__known') }}
    where region = 'national' and unit = 't/a'

),

latest as (

    select
        *,
        cast(12 * extract(year from obs_date) + extract(month from obs_date) as integer) as month_number
    from {{ ref('int_series__values') }}
    where is_latest and region = 'national' and unit = 't/a'

),

known_trade as (

    select * from {{ ref('int_customs__known') }}

),

monthly_trade as (

    select * from {{ ref('int_customs__flows') }}
    where flow = 'net' and role = 'product' and net_import_t is not null

),

terms as (

    select * from {{ ref('int_commodities__terms') }}

),

supplied as (

    select
        commodity_code,
        'daily' as frequency,
        as_of_date as period_end,
        provider,
        model_id,
        obs_date as production_date,
        value / 1000.0 as production_kt_a,
        available_at,
        decision_at,
        data_origin,
        payload_sha256
    from known
    where role = 'capacity_operating'

    union all

    -- Mean of the month's prints.
    select
        commodity_code,
        'monthly' as frequency,
        last_day(max(obs_date)) as period_end,
        provider,
        model_id,
        max(obs_date) as production_date,
        avg(value) / 1000.0 as production_kt_a,
        max(available_at) as available_at,
        {{ no_moment() }} as decision_at,
        max(data_origin) as data_origin,
        {{ arg_max('payload_sha256', 'obs_date') }} as payload_sha256
    from latest
    where role = 'capacity_operating'
    group by commodity_code, month_number, provider, model_id

),

demands as (

    select
        commodity_code,
        'daily' as frequency,
        as_of_date as period_end,
        provider,
        role,
        obs_date as demand_date,
        value / 1000.0 as demand_value,
        available_at
    from known
    where role in ('demand', 'downstream_operating')

    union all

    select
        commodity_code,
        'monthly' as frequency,
        last_day(max(obs_date)) as period_end,
        provider,
        role,
        max(obs_date) as demand_date,
        avg(value) / 1000.0 as demand_value,
        max(available_at) as available_at
    from latest
    where role in ('demand', 'downstream_operating')
    group by commodity_code, month_number, provider, role

),

trade as (

    select
        commodity_code,
        'daily' as frequency,
        as_of_date as period_end,
        trade_month,
        12.0 * net_import_t / 1000.0 as net_import_kt_a,
        available_at
    from known_trade

    union all

    select
        commodity_code,
        'monthly' as frequency,
        last_day(month) as period_end,
        month as trade_month,
        12.0 * {{ arg_max('net_import_t', 'length(hs_code)') }} / 1000.0 as net_import_kt_a,
        {{ arg_max('available_at', 'length(hs_code)') }} as available_at
    from monthly_trade
    group by commodity_code, month

),

days as (

    select distinct
        commodity_code,
        period_end
    from supplied

),

termed as (

    select
        days.commodity_code,
        days.period_end,
        {%- for use in uses %}
        max(case when terms.term = '{{ use }}' then terms.term_value end) as {{ use }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from days
    inner join terms
        on
            days.commodity_code = terms.commodity_code
            and {{ in_force('terms', 'days.period_end') }}
    where terms.scope = ''
    group by days.commodity_code, days.period_end

),

-- A commodity without a use in another product has no balance; a provider without a demand has a row that says so.
balanced as (

    select
        supplied.commodity_code,
        supplied.frequency,
        supplied.period_end,
        supplied.provider,
        case demands.role when 'demand' then 'stated' else 'downstream_use' end as demand_basis,
        supplied.model_id,
        supplied.production_kt_a,
        supplied.production_date,
        demands.demand_value * case demands.role when 'demand' then 1.0 else termed.downstream_use_t_t end as demand_kt_a,
        demands.demand_date,
        -- Production of metallurgical grade leaves the rest out already.
        case when supplied.model_id = 'metallurgical' then 0.0 else supplied.production_kt_a * termed.non_metallurgical_ratio end
            as non_metallurgical_kt_a,
        trade.net_import_kt_a,
        trade.trade_month,
        termed.downstream_ceiling_kt_a * termed.downstream_use_t_t as demand_cap_kt_a,
        greatest(
            supplied.available_at,
            coalesce(demands.available_at, supplied.available_at),
            coalesce(trade.available_at, supplied.available_at)
        ) as available_at,
        supplied.decision_at,
        supplied.data_origin,
        supplied.payload_sha256
    from supplied
    inner join termed
        on
            supplied.commodity_code = termed.commodity_code
            and supplied.period_end = termed.period_end
    left join demands
        on
            supplied.commodity_code = demands.commodity_code
            and supplied.frequency = demands.frequency
            and supplied.period_end = demands.period_end
            and supplied.provider = demands.provider
    left join trade
        on
            supplied.commodity_code = trade.commodity_code
            and supplied.frequency = trade.frequency
            and supplied.period_end = trade.period_end
    where termed.downstream_use_t_t is not null

),

surplus as (

    select
        *,
        production_kt_a - demand_kt_a - non_metallurgical_kt_a as surplus_kt_a
    from balanced

),

final as (

    select
        *,
        100.0 * surplus_kt_a / nullif(demand_kt_a, 0.0) as surplus_pct,
        surplus_kt_a + net_import_kt_a as surplus_after_trade_kt_a,
        100.0 * (surplus_kt_a + net_import_kt_a) / nullif(demand_kt_a, 0.0) as surplus_after_trade_pct,
        -- Production and demand are rates of a year, of which the month is a part; the trade is the month's own.
        case
            when frequency = 'monthly'
                then surplus_kt_a * extract(day from period_end) / {{ days_in_year('period_end') }} + net_import_kt_a / 12.0
        end as surplus_kt,
        case
            when demand_kt_a is null then 'no_demand_of_this_provider'
            when non_metallurgical_kt_a is null then 'no_non_metallurgical_share'
            when net_import_kt_a is null then 'no_trade_figure'
        end as null_reason
    from surplus

)

select * from final
