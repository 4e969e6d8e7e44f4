-- Days on which a condition of an exchange rule begins to hold for a product: true after a quiet time on which it did not. The conditions need
-- quotes and receipts alone, so that they can be asked of every product.
with windows as (

    select * from {{ ref('int_panel__windows') }}

),

chain as (

    select * from {{ ref('int_panel__chain') }}

),

receipts as (

    select * from {{ ref('int_panel__receipts') }}

),

products as (

    select * from {{ ref('stg_catalog__products') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

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
        cast(chain.volume_lots as double) / nullif(chain.open_interest_lots, 0) as turnover_ratio,
        case
            when receipts.is_timely
                then
                    receipts.receipts_change_3_qty
                    / nullif(
                        greatest(
                            receipts.median_qty,
                            parameters.panel_inflow_open_interest_share * chain.open_interest_lots
                            * case when products.quantity_unit = 'kg' then 0.001 else 1.0 end * products.contract_size_qty
                        ),
                        0.0
                    )
        end as receipts_norm,
        parameters.panel_overextended_multiple,
        parameters.panel_overextended_turnover,
        parameters.panel_shock_multiple,
        parameters.panel_inflow_ratio,
        parameters.panel_event_quiet_sessions
    from windows
    inner join chain
        on
            windows.exchange = chain.exchange
            and windows.product_id = chain.product_id
            and windows.trade_date = chain.trade_date
    left join receipts
        on
            windows.exchange = receipts.exchange
            and windows.product_id = receipts.product_id
            and windows.trade_date = receipts.trade_date
    left join products
        on
            windows.exchange = products.exchange
            and windows.product_id = products.product_id
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
} %}

held as (

    {%- for event, condition in conditions.items() %}
    select
        exchange,
        product_id,
        trade_date,
        session_index,
        '{{ event }}' as event,
        coalesce(is_known and {{ condition }}, false) as is_true,
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
