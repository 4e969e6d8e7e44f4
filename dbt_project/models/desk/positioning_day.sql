-- Whole days only: the sessions of a day stand in the mart, and do not add up to it.
with positioning as (

    select * from {{ ref('fct_positioning_daily') }}
    where session = 'day'

),

final as (

    select
        commodity_code,
        trade_date,
        contract_code,
        is_dominant,
        quadrant,
        price_change_pct,
        open_interest_moved_lots,
        open_interest_change_pct,
        turnover_ratio,
        is_speculative,
        capital_flow_cny,
        capital_flow_ratio,
        capital_flow_all_cny,
        position_pressure_ratio,
        top20_long_lots,
        top20_short_lots,
        top20_net_lots,
        top20_net_pct,
        cr5_long_pct,
        cr5_short_pct,
        net_index_250d,
        {{ reason_of('null_reason', 'quadrant') }} as null_reason,
        null_reason as other_null_reason,
        available_at,
        data_origin
    from positioning

)

select * from final
