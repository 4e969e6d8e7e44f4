with capacity as (

    select * from {{ ref('fct_capacity') }}
    where region = 'national'

),

final as (

    select
        commodity_code,
        provider,
        frequency,
        period_end,
        capacity_operating_kt_a,
        capacity_built_kt_a,
        capacity_idle_kt_a,
        utilisation_pct,
        d_operating_kt_a,
        operating_change_pct,
        utilisation_change_pp,
        printed_rate_pct,
        output_kt,
        output_kt_day,
        model_id,
        case when capacity_operating_kt_a is null then null_reason end as null_reason,
        nullif(
            concat_ws(';', case when capacity_operating_kt_a is not null then 'd_operating_kt_a:' || null_reason end, other_null_reason), ''
        ) as other_null_reason,
        available_at,
        data_origin
    from capacity

)

select * from final
