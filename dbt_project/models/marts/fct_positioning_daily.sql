with positioning as (

    select * from {{ ref('int_positioning__daily') }}
    where reading = 'latest'

),

final as (

    select
        commodity_code,
        trade_date,
        contract_code,
        session,
        is_dominant,
        price_change_pct,
        open_interest_moved_lots,
        open_interest_change_pct,
        quadrant,
        turnover_ratio,
        is_speculative,
        signed_turnover_ratio,
        capital_flow_cny,
        capital_flow_ratio,
        capital_flow_all_cny,
        position_pressure_ratio,
        spec_margin_ratio,
        margin_source,
        top20_long_lots,
        top20_short_lots,
        top20_net_lots,
        top20_net_pct,
        top20_short_change_lots,
        net_long_change_5d_lots,
        cr5_long_pct,
        cr5_short_pct,
        net_index_250d,
        null_reason,
        available_at,
        data_origin,
        payload_sha256
    from positioning

)

select * from final
