-- Every statement of the panel with what it came to: what was said of each product at each decision, and the outcome once it is known. Until
-- then neither contract nor exit is told: where the calendar ends they are guesses, and what was said may not change when it is extended.
with forecasts as (

    select * from {{ ref('int_panel__forecasts') }}

),

outcomes as (

    select * from {{ ref('int_panel__outcomes') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

final as (

    select
        forecasts.exchange,
        forecasts.product_id,
        commodities.commodity_code,
        forecasts.trade_date as as_of_date,
        forecasts.horizon,
        forecasts.horizon_sessions,
        forecasts.probability_up,
        forecasts.probability_reason,
        forecasts.call,
        forecasts.call_reason,
        forecasts.expected_move_pct,
        forecasts.interval80_low_pct,
        forecasts.interval80_high_pct,
        forecasts.interval_reason,
        forecasts.quantile_source,
        forecasts.refit_date,
        case when coalesce(outcomes.null_reason, '') <> 'not_yet' then outcomes.delivery_month_code end as delivery_month_code,
        case when coalesce(outcomes.null_reason, '') <> 'not_yet' then outcomes.entry_date end as entry_date,
        case when coalesce(outcomes.null_reason, '') <> 'not_yet' then outcomes.entry_price end as entry_price,
        case when coalesce(outcomes.null_reason, '') <> 'not_yet' then outcomes.exit_date end as exit_date,
        case when coalesce(outcomes.null_reason, '') <> 'not_yet' then outcomes.exit_price end as exit_price,
        100.0 * (exp(outcomes.outcome) - 1.0) as outcome_pct,
        outcomes.null_reason as outcome_reason,
        outcomes.known_date,
        outcomes.outcome between forecasts.interval_low and forecasts.interval_high as is_inside_interval,
        forecasts.data_origin
    from forecasts
    inner join outcomes
        on
            forecasts.exchange = outcomes.exchange
            and forecasts.product_id = outcomes.product_id
            and forecasts.trade_date = outcomes.trade_date
            and forecasts.horizon_sessions = outcomes.horizon_sessions
    left join commodities
        on
            forecasts.exchange = commodities.exchange
            and forecasts.product_id = commodities.product_id

)

select * from final
