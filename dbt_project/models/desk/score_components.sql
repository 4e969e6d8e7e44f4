-- The parts of the sentiment score, one row each; the score belongs to the day and to no horizon, so it joins with outlook_daily.
with drivers as (

    select * from {{ ref('outlook_drivers') }}
    where driver_kind = 'component'

),

final as (

    select
        commodity_code,
        as_of_date,
        driver as component,
        driver_name as component_name,
        driver_name_zh as component_name_zh,
        block,
        contribution,
        component_score,
        weight,
        signal,
        signal_value,
        unit,
        percentile_ratio,
        data_date,
        null_reason,
        decision_at
    from drivers

)

select * from final
