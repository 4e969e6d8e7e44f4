-- Every vendor print with the time it could be known, what is believed of figures of its kind, and what a person said of it. A fault is
-- what can be told by the figure alone: it lies outside all bounds, whatever was printed before.
with printed as (

    select
        *,
        -- The same figure of the same day has one id, whichever file it is in.
        'H' || substr(
            md5(
                concat_ws(
                    '|', provider, series_id, cast(obs_date as string), unit,
                    {{ figure_name('value') }}, {{ figure_name('low_value') }}, {{ figure_name('high_value') }}
                )
            ), 1, 10
        ) as held_id
    from {{ ref('int_series__printed') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

quantities as (

    select * from {{ ref('stg_catalog__quantities') }}

),

series as (

    select * from {{ ref('stg_catalog__series') }}

),

reviews as (

    select * from {{ ref('stg_catalog__reviews') }}

),

-- The quantity of a series follows from its role, else from its name, else from its unit.
names as (

    select distinct
        provider,
        series_id,
        series_name,
        unit
    from printed

),

matched as (

    select
        names.provider,
        names.series_id,
        names.series_name,
        quantities.*,
        row_number() over (
            partition by names.provider, names.series_id, names.series_name, names.unit
            order by case quantities.match_kind when 'role' then 1 when 'word' then 2 else 3 end, quantities.match_value, series.commodity_code
        ) as place
    from names
    inner join quantities on names.unit = quantities.unit
    left join series
        on
            names.provider = series.provider
            and names.series_id = series.series_id
            and quantities.match_value = series.role
    where
        quantities.match_kind = 'any'
        or (quantities.match_kind = 'role' and series.role is not null)
        or (quantities.match_kind = 'word' and position(quantities.match_value in names.series_name) > 0)

),

-- A series with several roles may have any figure that one of them allows.
bounds as (

    select
        series.provider,
        series.series_id,
        bounds.unit,
        min(bounds.lowest) as lowest,
        max(bounds.highest) as highest,
        max(bounds.day_step) as day_step
    from series
    inner join {{ ref('stg_catalog__bounds') }} as bounds
        on
            series.commodity_code = bounds.commodity_code
            and series.role = bounds.role
    group by series.provider, series.series_id, bounds.unit

),

-- The unit, or units, in which the models read a series, by its roles.
roles as (

    select
        provider,
        series_id,
        min(unit) as read_unit,
        max(unit) as other_read_unit
    from series
    group by provider, series_id

),

clocked as (

    select
        printed.*,
        roles.read_unit,
        roles.other_read_unit,
        matched.quantity,
        matched.form,
        coalesce(bounds.lowest, matched.lowest) as lowest,
        coalesce(bounds.highest, matched.highest) as highest,
        coalesce(bounds.day_step, matched.day_step) as day_step,
        matched.most_step,
        matched.scale_ratio,
        matched.spread_multiple,
        matched.range_ratio,
        matched.prints_remembered,
        {{ clock_at('printed.obs_date', 'printed.published_at', 'clock') }} as clock_at
    from printed
    inner join clock on {{ series_clock('printed') }} = clock.dataset
    left join matched
        on
            printed.provider = matched.provider
            and printed.series_id = matched.series_id
            and printed.series_name = matched.series_name
            and printed.unit = matched.unit
            and matched.place = 1
    left join bounds
        on
            printed.provider = bounds.provider
            and printed.series_id = bounds.series_id
            and printed.unit = bounds.unit
    left join roles
        on
            printed.provider = roles.provider
            and printed.series_id = roles.series_id

),

known as (

    select
        *,
        {{ known_from(['provider', 'series_id', 'obs_date']) }} as known_at
    from clocked

),

final as (

    select
        known.*,
        reviews.review,
        reviews.review_reason,
        -- A review that was given before the file arrived counts from the file's arrival.
        case when reviews.review is not null then greatest(reviews.reviewed_at, known.known_at) end as reviewed_at,
        case
            when reviews.review = 'reject' and reviews.reviewed_at <= known.known_at then 'rejected'
            when known.unit not in (known.read_unit, known.other_read_unit) then 'unit_of_role'
            when known.form = 'level' and known.value <= 0.0 and known.value < known.lowest then 'not_positive'
            when known.value < known.lowest or known.value > known.highest then 'outside_bounds'
            when
                known.form = 'level'
                and (known.low_value * known.range_ratio < known.value or known.high_value > known.value * known.range_ratio)
                then 'range'
        end as fault
    from known
    left join reviews on known.held_id = reviews.held_id

)

select * from final
