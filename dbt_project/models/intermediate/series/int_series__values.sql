with printed as (

    select * from {{ ref('int_series__printed') }}

),

series as (

    select * from {{ ref('stg_catalog__series') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

timed as (

    select
        series.commodity_code,
        series.role,
        series.region,
        series.model_id,
        printed.provider,
        printed.series_id,
        printed.frequency,
        printed.obs_date,
        printed.unit,
        printed.value,
        printed.low_value,
        printed.high_value,
        printed.change_value,
        printed.source,
        printed.data_origin,
        printed.payload_sha256,
        printed.fetched_at,
        {{ clock_at('printed.obs_date', 'printed.published_at', 'clock') }} as clock_at
    from printed
    inner join series
        on
            printed.provider = series.provider
            and printed.series_id = series.series_id
    inner join clock on {{ series_clock('printed') }} = clock.dataset

),

final as (

    {{ versions(
        'timed',
        keys=['commodity_code', 'role', 'provider', 'series_id', 'obs_date'],
        values=['value', 'low_value', 'high_value', 'change_value', 'unit']
    ) }}

)

select * from final
