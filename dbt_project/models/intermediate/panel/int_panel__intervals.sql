-- How far a product may go: volatility over the horizon, and the tenths of what the whole panel's outcomes came to in units of it, outcomes known
-- by the decision alone. Until there are enough of them the tenths are those of a normal distribution.
{#- An interval of 80 % leaves a tenth on each side. #}
{%- set tails = {'low': 0.1, 'high': 0.9} %}

with windows as (

    select * from {{ ref('int_panel__windows') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

horizons as (

    select * from {{ ref('stg_catalog__panel_horizons') }}
    where ewma_weight is not null

),

outcomes as (

    select * from {{ ref('int_panel__outcomes') }}

),

spread as (

    select
        windows.exchange,
        windows.product_id,
        windows.trade_date,
        windows.session_index,
        horizons.horizon,
        horizons.horizon_sessions,
        case
            when windows.is_known
                then
                    sqrt(
                        horizons.horizon_sessions
                        * (horizons.ewma_weight * windows.ewma_variance + (1.0 - horizons.ewma_weight) * windows.slow_variance)
                    )
        end as horizon_sigma,
        case when not windows.is_known then 'came_late' when windows.slow_variance is null then 'too_few_returns' end as null_reason
    from windows
    cross join horizons

),

-- Outcomes in units of the volatility of their own day, on the day each was known.
scaled as (

    select
        spread.horizon,
        outcomes.known_date as day,
        outcomes.outcome / spread.horizon_sigma as scaled_outcome
    from outcomes
    inner join spread
        on
            outcomes.exchange = spread.exchange
            and outcomes.product_id = spread.product_id
            and outcomes.trade_date = spread.trade_date
            and outcomes.horizon_sessions = spread.horizon_sessions
    where outcomes.outcome is not null and spread.horizon_sigma > 0.0

),

-- With a row for each day of a decision, so that one window gives what was known on it.
days as (

    select
        horizon,
        day,
        scaled_outcome
    from scaled

    union all

    select distinct
        horizon,
        trade_date as day,
        cast(null as double) as scaled_outcome
    from spread

),

known as (

    select
        days.horizon,
        days.day,
        days.scaled_outcome is null as is_decision,
        count(days.scaled_outcome) over so_far as quantile_rows,
        {%- for tail, share in tails.items() %}
        {{ quantile_so_far('days.scaled_outcome', share, 'days.horizon', 'days.day') }} as quantile_{{ tail }}{{ ',' if not loop.last }}
        {%- endfor %}
    from days
    window so_far as (partition by days.horizon order by days.day)

),

final as (

    select
        spread.exchange,
        spread.product_id,
        spread.trade_date,
        spread.session_index,
        spread.horizon,
        spread.horizon_sessions,
        spread.horizon_sigma,
        case when known.quantile_rows >= parameters.panel_quantile_minimum_rows then known.quantile_low else -parameters.panel_quantile_default end
            as quantile_low,
        case when known.quantile_rows >= parameters.panel_quantile_minimum_rows then known.quantile_high else parameters.panel_quantile_default end
            as quantile_high,
        known.quantile_rows,
        case when known.quantile_rows >= parameters.panel_quantile_minimum_rows then 'panel' else 'normal' end as quantile_source,
        spread.null_reason
    from spread
    inner join known
        on
            spread.horizon = known.horizon
            and spread.trade_date = known.day
            and known.is_decision
    cross join parameters

)

select * from final
