-- What the chain of a product was like in the sessions before: volatility, sums of returns, averages. Each window counts sessions of the
-- exchange, a session without a return counts as none; a figure of too few returns is null.
{%- set product = 'chain.exchange, chain.product_id' %}
{%- set order = 'chain.session_index' %}
{#- The weights of the exponential mean grow with the session's number and cancel out; they stay far below what a double holds. #}
{%- set weight = 'power(chain.panel_ewma_decay, -chain.session_index)' %}

with chain as (

    select
        chain.*,
        parameters.*
    from {{ ref('int_panel__chain') }} as chain
    cross join {{ ref('int_panel__parameters') }} as parameters

),

-- The price of the held contract as an index of its returns: what a mean over changes of contract can be taken of.
indexed as (

    select
        chain.*,
        chain.log_return * chain.log_return as squared,
        chain.log_return - chain.next_log_return as spread_return,
        case when chain.log_return is not null then {{ weight }} end as ewma_weight,
        sum(coalesce(chain.log_return, 0.0)) over (partition by {{ product }} order by {{ order }}) as log_index,
        count(chain.log_return) over (partition by {{ product }} order by {{ order }}) as returns_so_far,
        lag(chain.log_return) over (partition by {{ product }} order by {{ order }}) as earlier_return,
        lag(chain.session_index) over (partition by {{ product }} order by {{ order }}) = chain.session_index - 1 as has_session_before
    from chain

),

measured as (

    select
        {%- for name, measure, value, width in [
            ('sigma_returns', 'count', 'chain.squared', 'chain.panel_sigma_sessions'),
            ('sigma_squares', 'sum', 'chain.squared', 'chain.panel_sigma_sessions'),
            ('long_sigma_returns', 'count', 'chain.squared', 'chain.panel_long_sigma_sessions'),
            ('long_sigma_squares', 'sum', 'chain.squared', 'chain.panel_long_sigma_sessions'),
            ('ewma_squares', 'sum', 'chain.squared * chain.ewma_weight', 'chain.panel_long_sigma_sessions'),
            ('ewma_weights', 'sum', 'chain.ewma_weight', 'chain.panel_long_sigma_sessions'),
            ('momentum_returns', 'count', 'chain.log_return', 'chain.panel_momentum_sessions'),
            ('momentum_sum', 'sum', 'chain.log_return', 'chain.panel_momentum_sessions'),
            ('spread_returns', 'count', 'chain.spread_return', 'chain.panel_momentum_sessions'),
            ('spread_sum', 'sum', 'chain.spread_return', 'chain.panel_momentum_sessions'),
            ('volume_sessions', 'count', 'chain.volume_lots', 'chain.panel_average_sessions'),
            ('volume_sum', 'sum', 'chain.volume_lots', 'chain.panel_average_sessions'),
            ('index_sum', 'sum', 'chain.log_index', 'chain.panel_average_sessions'),
            ('known_at', 'max', 'chain.available_at', 'chain.panel_momentum_sessions'),
        ] %}
        {{ within(measure, value, product, order, width) }} as {{ name }},
        {%- endfor %}
        chain.*
    from indexed as chain

),

final as (

    select
        exchange,
        product_id,
        trade_date,
        session_index,
        returns_so_far,
        case when sigma_returns >= panel_sigma_minimum_returns then sqrt(sigma_squares / sigma_returns) end as sigma60,
        case when long_sigma_returns >= panel_sigma_minimum_returns then long_sigma_squares / long_sigma_returns end as slow_variance,
        case when long_sigma_returns >= panel_sigma_minimum_returns then ewma_squares / ewma_weights end as ewma_variance,
        case when momentum_returns >= panel_momentum_minimum_returns then momentum_sum end as momentum_sum,
        case when spread_returns >= panel_momentum_minimum_returns then spread_sum end as spread_sum,
        case when volume_sessions = panel_average_sessions then volume_sum / volume_sessions end as mean_volume_lots,
        case when volume_sessions = panel_average_sessions then log_index - index_sum / volume_sessions end as log_above_mean,
        case when has_session_before then log_return + earlier_return end as two_day_return,
        known_at,
        known_at <= decided_by as is_known
    from measured

)

select * from final
