-- What followed an event of any product, by what was known on each day, where there are dates enough to show it.
with studies as (

    select * from {{ ref('int_panel__studies') }}

),

origins as (

    select max(data_origin) as data_origin from {{ ref('int_panel__chain') }}

),

final as (

    select
        studies.event,
        studies.horizon_sessions,
        studies.as_of_date,
        studies.outcomes,
        studies.dates,
        studies.median_pct,
        studies.lower_quartile_pct,
        studies.upper_quartile_pct,
        studies.share_up,
        studies.share_up_low,
        studies.share_up_high,
        studies.base_share_up,
        origins.data_origin
    from studies
    cross join origins
    where studies.is_shown

)

select * from final
