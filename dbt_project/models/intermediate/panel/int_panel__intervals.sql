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

-- What was known at the end of each day on which something became known. No row of it is null: a window of quantiles over nulls takes
-- all pairs of rows.
known as (

    select distinct
        horizon,
        day as known_day,
        count(*) over so_far as quantile_rows,
        {%- for tail, share in tails.items() %}
        {{ quantile_so_far('scaled_outcome', share, 'horizon', 'day') }} as quantile_{{ tail }}{{ ',' if not loop.last }}
        {%- endfor %}
    from scaled
    window so_far as (partition by horizon order by day)

),

-- The last such day of each decision.
days as (

    select
        horizon,
        day,
        is_decision,
        max(case when not is_decision then day end) over (partition by horizon order by day) as known_day
    from (
        select
            horizon,
            known_day as day,
            false as is_decision
        from known

        union all

        select distinct
            horizon,
            trade_date as day,
            true as is_decision
        from spread
    ) as every_day

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
        coalesce(known.quantile_rows, 0) as quantile_rows,
        case when known.quantile_rows >= parameters.panel_quantile_minimum_rows then 'panel' else 'normal' end as quantile_source,
        spread.null_reason
    from spread
    inner join days
        on
            spread.horizon = days.horizon
            and spread.trade_date = days.day
            and days.is_decision
    left join known
        on
            days.horizon = known.horizon
            and days.known_day = known.known_day
    cross join parameters

)

select * from final
