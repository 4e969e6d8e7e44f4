-- What is said of a product at a decision: the probability of a rise by the newest fit in force, the move and the interval it gives, and a call
-- where the whole panel has earned one. Null with its reason where nothing can be said.
{%- set signals = ['mom12', 'carry', 'bmom', 'rcpt'] %}

with signals as (

    select * from {{ ref('int_panel__signals') }}

),

chain as (

    select * from {{ ref('int_panel__chain') }}

),

intervals as (

    select * from {{ ref('int_panel__intervals') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

-- The newest tick of a product; a configured commodity's own wins.
ticks as (

    select
        exchange,
        product_id,
        {{ arg_max('tick_price', 'place') }} as tick_price
    from (
        select
            exchange,
            product_id,
            tick_price,
            cast('1900-01-01' as date) as place
        from {{ ref('stg_catalog__products') }}

        union all

        select
            commodities.exchange,
            commodities.product_id,
            specs.tick_cny_t as tick_price,
            specs.valid_from as place
        from {{ ref('stg_catalog__contract_specs') }} as specs
        inner join {{ ref('stg_catalog__commodities') }} as commodities on specs.commodity_code = commodities.commodity_code
    ) as every_tick
    group by exchange, product_id

),

fits as (

    select * from {{ ref('int_panel__fits') }}

),

weighed as (

    select
        intervals.*,
        chain.close_price,
        chain.held_month_code,
        chain.data_origin,
        ticks.tick_price,
        fits.refit_date,
        fits.products,
        fits.sessions,
        fits.signals,
        signals.row_reason,
        fits.slope,
        fits.pooled_share,
        fits.is_licensed,
        {%- for signal in signals %}
        fits.beta_{{ signal }} * signals.{{ signal }} as log_odds_{{ signal }},
        {%- endfor %}
        coalesce(
            {{ no_probability('fits') }},
            signals.row_reason,
            case
                when fits.is_doubled then 'two_fits_of_one_day'
                when fits.slope is null then 'no_fit'
                when
                    {%- for signal in signals %}
                    (fits.signals not like '%{{ signal }}%' or signals.is_{{ signal }}_missing) and
                    {%- endfor %}
                    true then 'no_signal'
            end
        ) as probability_reason
    from intervals
    inner join chain
        on
            intervals.exchange = chain.exchange
            and intervals.product_id = chain.product_id
            and intervals.trade_date = chain.trade_date
    inner join signals
        on
            intervals.exchange = signals.exchange
            and intervals.product_id = signals.product_id
            and intervals.trade_date = signals.trade_date
    inner join fits
        on
            intervals.trade_date = fits.trade_date
            and intervals.horizon = fits.horizon
    left join ticks
        on
            intervals.exchange = ticks.exchange
            and intervals.product_id = ticks.product_id
    cross join parameters

),

odds as (

    select
        *,
        {%- for signal in signals %}
        coalesce(log_odds_{{ signal }}, 0.0) +
        {%- endfor %}
        0.0 as log_odds
    from weighed

),

said as (

    select
        odds.*,
        case
            when odds.probability_reason is null
                then
                    greatest(
                        parameters.panel_probability_low,
                        least(parameters.panel_probability_high, 0.5 + odds.slope * (1.0 / (1.0 + exp(-odds.log_odds)) - 0.5))
                    )
        end as probability_up
    from odds
    cross join parameters

),

called as (

    select
        said.*,
        case
            when said.probability_up is null then null
            when coalesce(said.is_licensed, 0.0) <> 1.0 then 0
            when abs(said.probability_up - 0.5) >= parameters.panel_strong_call_distance then 2 * sign(said.probability_up - 0.5)
            when abs(said.probability_up - 0.5) >= parameters.panel_call_distance then sign(said.probability_up - 0.5)
            else 0
        end as call,
        case
            when said.probability_reason is not null then said.probability_reason
            when coalesce(said.is_licensed, 0.0) <> 1.0 then 'no_licence'
            when abs(said.probability_up - 0.5) < parameters.panel_call_distance then 'no_edge'
        end as call_reason
    from said
    cross join parameters

),

moved as (

    select
        *,
        case when coalesce(call, 0) = 0 then 0.0 else horizon_sigma * {{ normal_quantile('probability_up') }} end as expected_move
    from called

),

final as (

    select
        exchange,
        product_id,
        trade_date,
        session_index,
        horizon,
        horizon_sessions,
        refit_date,
        {%- for signal in signals %}
        case when probability_reason is null then log_odds_{{ signal }} end as log_odds_{{ signal }},
        case
            when probability_reason is null and log_odds <> 0.0 then 100.0 * (probability_up - 0.5) * log_odds_{{ signal }} / log_odds
        end as contribution_{{ signal }}_points,
        {%- endfor %}
        probability_up,
        probability_reason,
        cast(call as bigint) as call,
        call_reason,
        pooled_share,
        200.0 * (probability_up - 0.5) as forecast_score,
        horizon_sigma,
        quantile_low,
        quantile_high,
        quantile_rows,
        quantile_source,
        expected_move,
        100.0 * (exp(case when horizon_sigma is not null then expected_move end) - 1.0) as expected_move_pct,
        {%- for end in ['low', 'high'] %}
        expected_move + horizon_sigma * quantile_{{ end }} as interval_{{ end }},
        100.0 * (exp(expected_move + horizon_sigma * quantile_{{ end }}) - 1.0) as interval80_{{ end }}_pct,
        {{ on_tick('close_price * exp(expected_move + horizon_sigma * quantile_' ~ end ~ ')', 'tick_price') }} as interval80_{{ end }}_price,
        {%- endfor %}
        held_month_code,
        close_price,
        case when close_price is null then coalesce(null_reason, 'no_close') else null_reason end as interval_reason,
        data_origin
    from moved

)

select * from final
