-- What the forecast stands on: each fit in figures, and as of the newest day how large the panel is and how its intervals held.
with fits as (

    select * from {{ ref('stg_outlook__model') }}

),

track as (

    select * from {{ ref('int_panel__track') }}
    where exchange = '*'

),

sizes as (

    select
        max(trade_date) as as_of_date,
        count(distinct exchange || '.' || product_id) as products,
        count(distinct trade_date) as sessions,
        max(data_origin) as data_origin
    from {{ ref('int_panel__chain') }}

),

newest as (

    select
        track.*,
        sizes.products,
        sizes.sessions,
        sizes.data_origin
    from track
    inner join sizes on track.trade_date = sizes.as_of_date

),

final as (

    select
        refit_date as as_of_date,
        horizon,
        term,
        model_value,
        payload_sha256 as model_sha256,
        data_origin
    from fits

    {%- for term, figure in {
        'panel_products': 'products', 'panel_sessions': 'sessions', 'interval_coverage': 'interval_coverage',
        'independent_intervals': 'independent_intervals', 'track_calls': 'calls', 'track_hit_ratio': 'hit_ratio', 'track_skill': 'skill',
    }.items() %}

    union all

    select
        trade_date as as_of_date,
        horizon,
        '{{ term }}' as term,
        cast({{ figure }} as double) as model_value,
        cast(null as string) as model_sha256,
        data_origin
    from newest
    {%- endfor %}

)

select * from final
