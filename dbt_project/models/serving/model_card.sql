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

in_force as (

    select * from {{ ref('int_panel__fits') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

newest as (

    select
        track.*,
        sizes.products,
        sizes.sessions,
        sizes.data_origin,
        {{ no_probability('in_force') }} as no_probability_reason
    from track
    inner join sizes on track.trade_date = sizes.as_of_date
    cross join parameters
    left join in_force
        on
            track.horizon = in_force.horizon
            and track.trade_date = in_force.trade_date

),

final as (

    select
        refit_date as as_of_date,
        horizon,
        term,
        model_value,
        payload_sha256 as model_sha256,
        data_origin,
        case when model_value is null then 'too_few_to_judge' end as model_reason
    from fits

    {%- for term, figure, reason in [
        ('has_probability', 'case when no_probability_reason is null then 1 else 0 end', 'no_probability_reason'),
        ('panel_products', 'products', 'cast(null as string)'),
        ('panel_sessions', 'sessions', 'cast(null as string)'),
        ('interval_coverage', 'interval_coverage', "case when interval_coverage is null then 'no_outcome_yet' end"),
        ('independent_intervals', 'independent_intervals', 'cast(null as string)'),
        ('track_calls', 'calls', 'cast(null as string)'),
        ('track_hit_ratio', 'hit_ratio', 'track_reason'),
        ('track_skill', 'skill', 'track_reason'),
    ] %}

    union all

    select
        trade_date as as_of_date,
        horizon,
        '{{ term }}' as term,
        cast({{ figure }} as double) as model_value,
        cast(null as string) as model_sha256,
        data_origin,
        {{ reason }} as model_reason
    from newest
    {%- endfor %}

)

select * from final
