with parity as (

    select * from {{ ref('int_parity__daily') }}

),

final as (

    select
        commodity_code,
        trade_date,
        provider,
        spot_leg,
        import_leg,
        spot_cny_t,
        spot_date,
        fob_usd_t,
        fob_date,
        freight_usd_t,
        freight_date,
        fx_sell_cny_usd,
        fx_date,
        inland_freight_cny_t,
        parity_cny_t,
        vendor_parity_cny_t,
        vendor_null_reason,
        vendor_gap_cny_t,
        parity_gap_cny_t,
        import_profit_cny_t,
        is_best_leg,
        window_state,
        export_parity_usd_t,
        export_profit_usd_t,
        null_reason,
        other_null_reason,
        available_at,
        data_origin,
        payload_sha256
    from parity

)

select * from final
