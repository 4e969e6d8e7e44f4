-- Costs and profits of every model at each decision, and beside them as two more our own build-up of the cash cost and the public one. Providers,
-- models and regions are never mixed: one line is one of each.
{%- set uses = [
    'ore_use_t_t', 'ore_moisture_ratio', 'caustic_use_t_t', 'caustic_concentration_ratio', 'lime_use_t_t', 'lime_cny_t',
    'coal_use_t_t', 'coal_equivalent_ratio', 'power_use_kwh_t', 'labour_cny_t',
] %}

with parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

known as (

    select series.*
    from {{ ref('int_series__known') }} as series
    inner join parameters on series.commodity_code = parameters.commodity_code
    where
        series.frequency <> 'daily'
        or series.obs_date >= {{ add_days('series.as_of_date', '-parameters.daily_series_maximum_age_days') }}

),

terms as (

    select * from {{ ref('int_commodities__terms') }}

),

public_costs as (

    select * from {{ ref('int_costs__public') }}

),

modelled as (

    select
        commodity_code,
        as_of_date,
        session_index,
        decision_at,
        provider,
        model_id,
        region,
        {%- for role in ['cost_full', 'cost_cash', 'profit'] %}
        max(case when role = '{{ role }}' then value end) as {{ role }},
        max(case when role = '{{ role }}' then obs_date end) as {{ role }}_date,
        {%- endfor %}
        max(frequency) as frequency,
        max(available_at) as available_at,
        max(data_origin) as data_origin,
        coalesce(
            max(case when role = 'cost_full' then payload_sha256 end),
            max(payload_sha256)
        ) as payload_sha256
    from known
    where role in ('cost_full', 'cost_cash', 'profit')
    group by commodity_code, as_of_date, session_index, decision_at, provider, model_id, region

),

days as (

    select distinct
        commodity_code,
        as_of_date
    from known

),

coefficients as (

    select
        days.commodity_code,
        days.as_of_date,
        {%- for use in uses %}
        max(case when terms.term = '{{ use }}' then terms.term_value end) as {{ use }},
        {%- endfor %}
        max(case when terms.term = 'ore_pass_through_cny_usd' and terms.scope = 'imported' then terms.term_value end)
            as ore_pass_through_cny_usd
    from days
    inner join terms
        on
            days.commodity_code = terms.commodity_code
            and {{ in_force('terms', 'days.as_of_date') }}
    group by days.commodity_code, days.as_of_date

),

inputs as (

    select
        commodity_code,
        as_of_date,
        provider,
        {%- for role in ['input_caustic', 'input_coal', 'input_power'] %}
        avg(case when role = '{{ role }}' then value end) as {{ role }},
        {%- endfor %}
        max(available_at) as available_at
    from known
    where role in ('input_caustic', 'input_coal', 'input_power')
    group by commodity_code, as_of_date, provider

),

-- Assumption: a province uses its own ore, and the national line uses imported ore.
built_up as (

    select
        ore.commodity_code,
        ore.as_of_date,
        ore.session_index,
        ore.decision_at,
        ore.provider,
        ore.region,
        ore.obs_date as cost_cash_date,
        case
            when ore.role = 'ore_index' then ore.value * coefficients.ore_pass_through_cny_usd
            else coefficients.ore_use_t_t * ore.value / (1.0 - coefficients.ore_moisture_ratio)
        end as ore_cost_cny_t,
        coefficients.caustic_use_t_t * inputs.input_caustic / coefficients.caustic_concentration_ratio as caustic_cost_cny_t,
        coefficients.coal_use_t_t / coefficients.coal_equivalent_ratio * inputs.input_coal
        + coefficients.power_use_kwh_t * inputs.input_power as energy_cost_cny_t,
        coefficients.lime_use_t_t * coefficients.lime_cny_t + coefficients.labour_cny_t as other_cost_cny_t,
        ore.frequency,
        greatest(ore.available_at, inputs.available_at) as available_at,
        ore.data_origin,
        ore.payload_sha256
    from known as ore
    inner join coefficients
        on
            ore.commodity_code = coefficients.commodity_code
            and ore.as_of_date = coefficients.as_of_date
    inner join inputs
        on
            ore.commodity_code = inputs.commodity_code
            and ore.as_of_date = inputs.as_of_date
            and ore.provider = inputs.provider
    where ore.role in ('input_ore', 'ore_index')

),

final as (

    select
        commodity_code,
        as_of_date,
        session_index,
        decision_at,
        provider,
        model_id,
        region,
        frequency,
        cost_full as cost_full_cny_t,
        cast(null as double) as cost_low_cny_t,
        cast(null as double) as cost_high_cny_t,
        cost_cash as cost_cash_cny_t,
        coalesce(cost_full_date, cost_cash_date) as cost_date,
        profit as profit_printed_cny_t,
        profit_date,
        cast(null as double) as ore_cost_cny_t,
        cast(null as double) as caustic_cost_cny_t,
        cast(null as double) as energy_cost_cny_t,
        cast(null as double) as other_cost_cny_t,
        available_at,
        data_origin,
        payload_sha256
    from modelled

    union all

    select
        commodity_code,
        as_of_date,
        session_index,
        decision_at,
        provider,
        'build_up' as model_id,
        region,
        frequency,
        cast(null as double) as cost_full_cny_t,
        cast(null as double) as cost_low_cny_t,
        cast(null as double) as cost_high_cny_t,
        ore_cost_cny_t + caustic_cost_cny_t + energy_cost_cny_t + other_cost_cny_t as cost_cash_cny_t,
        cost_cash_date as cost_date,
        cast(null as double) as profit_printed_cny_t,
        cast(null as date) as profit_date,
        ore_cost_cny_t,
        caustic_cost_cny_t,
        energy_cost_cny_t,
        other_cost_cny_t,
        available_at,
        data_origin,
        payload_sha256
    from built_up

    union all

    select
        commodity_code,
        as_of_date,
        session_index,
        decision_at,
        'public' as provider,
        'public' as model_id,
        'national' as region,
        'daily' as frequency,
        cost_mid_cny_t as cost_full_cny_t,
        cost_low_cny_t,
        cost_high_cny_t,
        cast(null as double) as cost_cash_cny_t,
        cost_date,
        cast(null as double) as profit_printed_cny_t,
        cast(null as date) as profit_date,
        ore_cost_cny_t,
        caustic_cost_cny_t,
        energy_cost_cny_t,
        other_cost_cny_t,
        available_at,
        data_origin,
        payload_sha256
    from public_costs

)

select * from final
