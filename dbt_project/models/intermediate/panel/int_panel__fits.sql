-- The fit in force on each day, the newest whose day has come, in columns; and how large the panel was by then.
{%- set terms = ['beta_mom12', 'beta_carry', 'beta_bmom', 'beta_rcpt', 'slope', 'pooled_share', 'is_licensed'] %}

with horizons as (

    select * from {{ ref('stg_catalog__panel_horizons') }}
    where ewma_weight is not null

),

-- A file of fits that says two things of one term says nothing.
fits as (

    select
        refit_date,
        horizon,
        {%- for term in terms %}
        max(case when term = '{{ term }}' then model_value end) as {{ term }},
        {%- endfor %}
        count(*) > count(distinct term) as is_doubled
    from {{ ref('stg_outlook__model') }}
    group by refit_date, horizon

),

sizes as (

    select
        trade_date,
        products,
        cast(row_number() over (order by trade_date) as bigint) as sessions
    from (
        select
            trade_date,
            count(*) as products
        from {{ ref('int_panel__chain') }}
        group by trade_date
    ) as counted

),

in_force as (

    select
        sizes.trade_date,
        sizes.products,
        sizes.sessions,
        horizons.horizon,
        horizons.signals,
        max(fits.refit_date) over (partition by horizons.horizon order by sizes.trade_date) as refit_date
    from sizes
    cross join horizons
    left join fits
        on
            horizons.horizon = fits.horizon
            and sizes.trade_date = fits.refit_date

),

final as (

    select
        in_force.horizon,
        in_force.trade_date,
        in_force.signals,
        in_force.products,
        in_force.sessions,
        in_force.refit_date,
        {%- for term in terms %}
        fits.{{ term }},
        {%- endfor %}
        coalesce(fits.is_doubled, false) as is_doubled
    from in_force
    left join fits
        on
            in_force.horizon = fits.horizon
            and in_force.refit_date = fits.refit_date

)

select * from final
