with spot as (

    select * from {{ ref('stg_spot__quotes') }}

),

overseas as (

    select * from {{ ref('stg_spot__overseas') }}

),

cost as (

    select * from {{ ref('stg_cost__series') }}

),

capacity as (

    select * from {{ ref('stg_capacity__series') }}

),

final as (

    select
        'spot__quotes' as dataset,
        feed,
        provider,
        series_id,
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
    from spot

    union all

    select
        'spot__overseas' as dataset,
        feed,
        provider,
        series_id,
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
    from overseas

    union all

    select
        'cost__series' as dataset,
        feed,
        provider,
        series_id,
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
    from cost

    union all

    select
        'capacity__series' as dataset,
        feed,
        provider,
        series_id,
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
    from capacity

)

select * from final
