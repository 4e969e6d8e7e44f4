-- The four vendor tables share one form. The name of each stays as its `dataset`, by which the publication clock is found.
-- A revision of a file (`_r1`, `_r2`, …) corrects what it repeats whatever time it states: it stands in line with the first file's own time,
-- so that of the two the one that came later is the newer.
{%- set tables = {
    'spot__quotes': ref('stg_spot__quotes'), 'spot__overseas': ref('stg_spot__overseas'),
    'cost__series': ref('stg_cost__series'), 'capacity__series': ref('stg_capacity__series'),
} %}
{%- set ending = "(_[rR]([0-9]{1,4}))?( ?[(][0-9]+[)])?[.][A-Za-z]+$" %}

with told as (

    {%- for dataset, table in tables.items() %}
    select
        '{{ dataset }}' as dataset,
        feed,
        provider,
        series_id,
        series_name,
        frequency,
        obs_date,
        low_value,
        high_value,
        value,
        change_value,
        unit,
        published_at,
        payload_sha256,
        source,
        fetched_at,
        data_origin
    from {{ table }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

names as (

    select
        payload_sha256,
        max(request_name) as request_name
    from {{ ref('stg_ingest__receipts') }}
    where payload_sha256 is not null and source in ('spot', 'cost', 'capacity')
    group by payload_sha256

),

files as (

    select
        payload_sha256,
        regexp_replace(request_name, '{{ ending }}', '') as file_stem,
        coalesce(cast(nullif(regexp_extract(request_name, '{{ ending }}', 2), '') as bigint), 0) as revision
    from names

),

revised as (

    select
        files.*,
        max(files.revision) over (partition by files.file_stem) as last_revision
    from files

),

-- Each figure of a revised file, as the first version of the file stated it.
first_told as (

    select *
    from (
        select
            told.dataset,
            told.provider,
            told.series_id,
            told.obs_date,
            told.published_at,
            revised.file_stem,
            row_number() over (
                partition by told.dataset, told.provider, told.series_id, told.obs_date, revised.file_stem
                order by revised.revision, told.fetched_at, told.payload_sha256
            ) as place
        from told
        inner join revised on told.payload_sha256 = revised.payload_sha256
        where revised.last_revision > 0
    ) as placed
    where place = 1

),

final as (

    select
        told.dataset,
        told.feed,
        told.provider,
        told.series_id,
        told.series_name,
        told.frequency,
        told.obs_date,
        told.low_value,
        told.high_value,
        told.value,
        told.change_value,
        told.unit,
        case when revised.revision > 0 then first_told.published_at else told.published_at end as published_at,
        told.published_at as stated_at,
        told.payload_sha256,
        told.source,
        told.fetched_at,
        told.data_origin
    from told
    left join revised on told.payload_sha256 = revised.payload_sha256
    left join first_told
        on
            told.dataset = first_told.dataset
            and told.provider = first_told.provider
            and told.series_id = first_told.series_id
            and told.obs_date = first_told.obs_date
            and revised.file_stem = first_told.file_stem

)

select * from final
