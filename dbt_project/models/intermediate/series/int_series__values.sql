with judged as (

    select * from {{ ref('int_series__judged') }}
    where available_at is not null

),

series as (

    select * from {{ ref('stg_catalog__series') }}

),

mapped as (

    select
        series.commodity_code,
        series.role,
        series.region,
        series.model_id,
        judged.provider,
        judged.series_id,
        judged.frequency,
        judged.obs_date,
        judged.unit,
        judged.value,
        judged.low_value,
        judged.high_value,
        judged.change_value,
        judged.source,
        judged.data_origin,
        judged.payload_sha256,
        judged.fetched_at,
        judged.clock_at,
        judged.available_at
    from judged
    inner join series
        on
            judged.provider = series.provider
            and judged.series_id = series.series_id

),

final as (

    {{ versions(
        'mapped',
        keys=['commodity_code', 'role', 'provider', 'series_id', 'obs_date'],
        values=['value', 'low_value', 'high_value', 'change_value', 'unit'],
        dated=true
    ) }}

)

select * from final
