-- The stances' own record, as it could be known at each decision: how often the price went the way the evidence leaned, and how often it would
-- have by chance, had the same number of sides been taken on any of the days. Outcomes overlap: as many are independent as there are spans of
-- the horizon's length with a stance in them, and the interval (Wilson, 90 %) is of those.
with statements as (

    select * from {{ ref('int_outlook__statements') }}

),

decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

outcomes as (

    select * from {{ ref('int_panel__outcomes') }}
    where outcome is not null

),

horizons as (

    select * from {{ ref('stg_catalog__panel_horizons') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

resolved as (

    select
        statements.commodity_code,
        statements.horizon,
        statements.as_of_date,
        outcomes.known_date,
        case when outcomes.outcome > 0.0 then 1.0 else 0.0 end as rose,
        sign(statements.stance) as side,
        case
            when statements.stance <> 0.0
                then
                    row_number() over (
                        partition by
                            statements.commodity_code, statements.horizon, statements.stance <> 0.0,
                            floor(outcomes.session_index / horizons.horizon_sessions)
                        order by outcomes.known_date, statements.as_of_date
                    )
        end as place_in_span
    from statements
    inner join commodities on statements.commodity_code = commodities.commodity_code
    inner join horizons on statements.horizon = horizons.horizon
    inner join outcomes
        on
            commodities.exchange = outcomes.exchange
            and commodities.product_id = outcomes.product_id
            and statements.as_of_date = outcomes.trade_date
            and horizons.horizon_sessions = outcomes.horizon_sessions
    where statements.stance is not null

),

-- Outcomes on the day they are known, and decisions, in one line: what is summed up to a decision is what it knew.
line as (

    select
        commodity_code,
        horizon,
        known_date as moment,
        cast(null as date) as as_of_date,
        1 as outcomes,
        rose,
        case when side <> 0.0 then 1 else 0 end as stances,
        case when side > 0.0 then 1 else 0 end as stances_up,
        case when side > 0.0 then rose when side < 0.0 then 1.0 - rose else 0.0 end as hits,
        case when place_in_span = 1 then 1 else 0 end as independent
    from resolved

    union all

    select
        decisions.commodity_code,
        horizons.horizon,
        decisions.as_of_date as moment,
        decisions.as_of_date,
        0 as outcomes,
        0.0 as rose,
        0 as stances,
        0 as stances_up,
        0.0 as hits,
        0 as independent
    from decisions
    cross join horizons
    where horizons.ewma_weight is not null

),

summed as (

    select
        commodity_code,
        horizon,
        as_of_date,
        {%- for sum in ['outcomes', 'rose', 'stances', 'stances_up', 'hits', 'independent'] %}
        cast(sum({{ sum }}) over so_far as double) as {{ sum }},
        {%- endfor %}
        moment
    from line
    window so_far as (partition by commodity_code, horizon order by moment)

),

shares as (

    select
        *,
        hits / nullif(stances, 0.0) as hit_ratio,
        (stances_up * rose + (stances - stances_up) * (outcomes - rose)) / nullif(outcomes * stances, 0.0) as base_ratio
    from summed
    where as_of_date is not null

),

final as (

    select
        shares.commodity_code,
        shares.as_of_date,
        shares.horizon,
        cast(shares.stances as bigint) as track_n,
        cast(shares.independent as bigint) as track_independent,
        shares.hit_ratio,
        shares.base_ratio,
        {%- set n = 'nullif(shares.independent, 0.0)' %}
        {%- set z = 'parameters.panel_interval_z' %}
        {%- set centre = '(shares.hit_ratio + ' ~ z ~ ' * ' ~ z ~ ' / (2.0 * ' ~ n ~ '))' %}
        {%- set spread = 'shares.hit_ratio * (1.0 - shares.hit_ratio) / ' ~ n %}
        {%- set reach = z ~ ' * sqrt(' ~ spread ~ ' + ' ~ z ~ ' * ' ~ z ~ ' / (4.0 * ' ~ n ~ ' * ' ~ n ~ '))' %}
        {%- set whole = '(1.0 + ' ~ z ~ ' * ' ~ z ~ ' / ' ~ n ~ ')' %}
        -- Within 0 and 1, whose ends a division may pass; nothing of no outcome.
        case when shares.independent > 0.0 then greatest(0.0, ({{ centre }} - {{ reach }}) / {{ whole }}) end as hit_ratio_low,
        case when shares.independent > 0.0 then least(1.0, ({{ centre }} + {{ reach }}) / {{ whole }}) end as hit_ratio_high,
        case
            when shares.independent < parameters.panel_track_minimum_independent then 'record_too_short'
            when shares.hit_ratio <= shares.base_ratio then 'record_no_better_than_chance'
        end as track_reason
    from shares
    cross join parameters

)

select * from final
