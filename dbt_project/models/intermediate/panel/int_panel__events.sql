-- Days on which a condition of an exchange rule begins to hold for a product: true after a quiet time on which it did not. The conditions need
-- exchange files alone, so that they can be asked of every product; where an exchange prints no such file they do not hold.
with windows as (

    select * from {{ ref('int_panel__windows') }}

),

chain as (

    select * from {{ ref('int_panel__chain') }}

),

receipts as (

    select * from {{ ref('int_panel__receipts') }}

),

squeezes as (

    select * from {{ ref('int_panel__squeeze') }}

),

steps as (

    select * from {{ ref('int_panel__steps') }}

),

-- Major levels of a commodity of the catalogue are multiples of its own step.
own_steps as (

    select
        commodities.exchange,
        commodities.product_id,
        parameters.level_major_step_cny_t
    from {{ ref('stg_catalog__commodities') }} as commodities
    inner join {{ ref('int_commodities__parameters') }} as parameters on commodities.commodity_code = parameters.commodity_code

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

-- Of any other product: of the largest step out of 1, 2, 5, 10, 20, … that is no larger than a part of its price.
prices as (

    select
        chain.*,
        coalesce(
            own_steps.level_major_step_cny_t,
            power(10.0, floor(log10(chain.close_price * parameters.panel_major_step_ratio)))
            * case
                when
                    chain.close_price * parameters.panel_major_step_ratio
                    >= 5.0 * power(10.0, floor(log10(chain.close_price * parameters.panel_major_step_ratio)))
                    then 5.0
                when
                    chain.close_price * parameters.panel_major_step_ratio
                    >= 2.0 * power(10.0, floor(log10(chain.close_price * parameters.panel_major_step_ratio)))
                    then 2.0
                else 1.0
            end
        ) as major_step
    from chain
    cross join parameters
    left join own_steps
        on
            chain.exchange = own_steps.exchange
            and chain.product_id = own_steps.product_id

),

measured as (

    select
        windows.exchange,
        windows.product_id,
        windows.trade_date,
        windows.session_index,
        windows.is_known,
        windows.momentum_sum,
        windows.log_above_mean,
        windows.two_day_return / (windows.sigma60 * sqrt(2.0)) as two_day_sigmas,
        cast(prices.volume_lots as double) / nullif(prices.open_interest_lots, 0) as turnover_ratio,
        case
            when receipts.is_timely
                then
                    receipts.receipts_change_3_qty
                    / nullif(
                        greatest(
                            receipts.median_qty,
                            parameters.panel_inflow_open_interest_share * prices.open_interest_lots * receipts.lot_qty
                        ),
                        0.0
                    )
        end as receipts_norm,
        coalesce(receipts.is_timely and receipts.is_low, false) as is_receipts_low,
        coalesce(squeezes.squeeze_level, 0) as squeeze_level,
        {%- for price in ['close', 'high'] %}
        abs(prices.{{ price }}_price / nullif(prices.major_step * round(prices.{{ price }}_price / prices.major_step), 0.0) - 1.0)
            as {{ price }}_distance,
        {%- endfor %}
        coalesce(steps.is_limit_raised, false) or coalesce(steps.is_margin_raised, false) as is_step,
        parameters.level_near_pct,
        parameters.panel_overextended_multiple,
        parameters.panel_overextended_turnover,
        parameters.panel_shock_multiple,
        parameters.panel_inflow_ratio,
        parameters.panel_event_quiet_sessions
    from windows
    inner join prices
        on
            windows.exchange = prices.exchange
            and windows.product_id = prices.product_id
            and windows.trade_date = prices.trade_date
    left join receipts
        on
            windows.exchange = receipts.exchange
            and windows.product_id = receipts.product_id
            and windows.trade_date = receipts.trade_date
    left join squeezes
        on
            windows.exchange = squeezes.exchange
            and windows.product_id = squeezes.product_id
            and windows.trade_date = squeezes.trade_date
    left join steps
        on
            prices.exchange = steps.exchange
            and prices.product_id = steps.product_id
            and prices.trade_date = steps.trade_date
            and prices.held_month_code = steps.delivery_month_code
    cross join parameters

),

{%- set conditions = {
    'trend_up': 'momentum_sum > 0.0 and log_above_mean > 0.0',
    'trend_down': 'momentum_sum < 0.0 and log_above_mean < 0.0',
    'overextended_up': 'two_day_sigmas >= panel_overextended_multiple and turnover_ratio >= panel_overextended_turnover',
    'overextended_down': 'two_day_sigmas <= -panel_overextended_multiple and turnover_ratio >= panel_overextended_turnover',
    'shock_up': 'two_day_sigmas >= panel_shock_multiple',
    'shock_down': 'two_day_sigmas <= -panel_shock_multiple',
    'inflow': 'receipts_norm >= panel_inflow_ratio',
    'major_level': '100.0 * least(close_distance, high_distance) <= level_near_pct',
    'squeeze': 'squeeze_level >= 2',
    'squeeze_watch': 'squeeze_level = 1 or is_receipts_low',
    'exchange_step': 'is_step',
} %}

held as (

    {%- for event, condition in conditions.items() %}
    select
        exchange,
        product_id,
        trade_date,
        session_index,
        '{{ event }}' as event,
        coalesce(is_known and ({{ condition }}), false) as is_true,
        panel_event_quiet_sessions
    from measured
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

spaced as (

    select
        *,
        max(case when is_true then session_index end) over (
            partition by event, exchange, product_id
            order by session_index
            rows between unbounded preceding and 1 preceding
        ) as last_true_index,
        min(session_index) over (partition by event, exchange, product_id) as first_index
    from held

),

-- The quiet time must have been seen: nothing is told of the first sessions of a product.
final as (

    select
        event,
        exchange,
        product_id,
        trade_date,
        session_index
    from spaced
    where
        is_true
        and session_index - coalesce(last_true_index, first_index - 1) > panel_event_quiet_sessions

)

select * from final
