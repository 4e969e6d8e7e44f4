with sessions as (

    select * from {{ ref('int_futures__session') }}
    where reading = 'latest'

),

final as (

    select
        commodity_code,
        trade_date,
        contract_code,
        session,
        session_open_cny_t,
        session_high_cny_t,
        session_low_cny_t,
        session_last_cny_t,
        last_1130_cny_t,
        price_change_cny_t,
        price_change_pct,
        session_volume_lots,
        open_interest_start_lots,
        open_interest_end_lots,
        open_interest_moved_lots,
        provider,
        bar_length,
        null_reason,
        available_at,
        source,
        data_origin,
        payload_sha256
    from sessions

)

select * from final
