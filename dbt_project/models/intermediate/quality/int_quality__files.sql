{{ config(materialized='view') }}

-- What of vendors' files reaches no mart, or does not count as the file states it: one row a payload and series, at its first such day.
with printed as (

    select * from {{ ref('int_series__printed') }}

),

mapped as (

    select distinct
        provider,
        series_id
    from {{ ref('stg_catalog__series') }}

),

counted as (

    select
        *,
        row_number() over (
            partition by commodity_code, role, provider, series_id, obs_date
            order by fetched_at desc, payload_sha256 desc
        ) = 1 as came_last
    from {{ ref('int_series__values') }}

),

unread as (

    select
        printed.dataset as table_name,
        min(printed.obs_date) as trade_date,
        printed.provider || ' ' || printed.series_id as subject,
        cast(null as double) as expected_value,
        cast(null as double) as found_value,
        min(printed.fetched_at) as available_at,
        {{ arg_max('printed.payload_sha256', 'printed.fetched_at') }} as payload_sha256
    from printed
    left join mapped
        on
            printed.provider = mapped.provider
            and printed.series_id = mapped.series_id
    where mapped.series_id is null
    group by printed.dataset, printed.provider, printed.series_id

),

losing as (

    select
        'int_series__values' as table_name,
        min(obs_date) as trade_date,
        provider || ' ' || series_id as subject,
        cast(null as double) as expected_value,
        cast(null as double) as found_value,
        min(available_at) as available_at,
        payload_sha256
    from counted
    where came_last and vintage > 1 and not is_latest
    group by provider, series_id, payload_sha256

),

unbelieved as (

    select
        'int_series__values' as table_name,
        min(counted.obs_date) as trade_date,
        counted.provider || ' ' || counted.series_id as subject,
        cast(null as double) as expected_value,
        cast(null as double) as found_value,
        min(counted.available_at) as available_at,
        counted.payload_sha256
    from counted
    inner join printed
        on
            counted.provider = printed.provider
            and counted.series_id = printed.series_id
            and counted.obs_date = printed.obs_date
            and counted.payload_sha256 = printed.payload_sha256
    where counted.vintage > 1 and {{ shanghai_date('printed.stated_at') }} < {{ shanghai_date('counted.fetched_at') }}
    group by counted.provider, counted.series_id, counted.payload_sha256

),

final as (

    {{ identities([
        ('series_is_read_by_a_mart', 'unread', 'no mart reads the series: the catalogue has no such id; say what it is with alumina inbox map'),
        ('later_file_counts', 'losing', 'figures of a later file do not count: it states an earlier time of publication; drop the file as a revision, _r1'),
        ('stated_time_is_believed', 'unbelieved', 'the stated time of corrected figures is not believed: a correction counts from when it was first seen'),
    ]) }}

)

select * from final
