{%- set names = [
    'roll_open_interest_ratio', 'roll_deadline_sessions', 'percentile_window_sessions', 'percentile_minimum_sessions',
    'trend_sigma_multiple', 'coverage_minimum', 'stance_score', 'confidence_base', 'decision_time_minutes',
    'warrant_tolerance_ratio', 'fact_maximum_age_sessions', 'series_maximum_age_days',
] -%}

with commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

parameters as (

    select * from {{ ref('stg_catalog__parameters') }}

),

-- A row for one commodity wins over the row for all ('*').
resolved as (

    select
        commodities.commodity_code,
        parameters.parameter,
        {{ arg_max('parameters.parameter_value', "case when parameters.commodity_code = '*' then 0 else 1 end") }} as parameter_value
    from commodities
    inner join parameters on parameters.commodity_code in ('*', commodities.commodity_code)
    group by commodities.commodity_code, parameters.parameter

),

final as (

    select
        {%- for name in names %}
        max(case when parameter = '{{ name }}' then parameter_value end) as {{ name }},
        {%- endfor %}
        commodity_code
    from resolved
    group by commodity_code

)

select * from final
