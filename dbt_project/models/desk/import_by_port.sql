-- What goods from abroad cost where they are sold, a row each way they can take; the national yardstick is no way.
with parity as (

    select
        *,
        row_number() over (partition by commodity_code, trade_date, import_leg order by provider, spot_leg) as place
    from {{ ref('fct_import_parity_daily') }}
    where import_leg <> 'none'

),

final as (

    select
        commodity_code,
        trade_date,
        import_leg,
        {{ leg_part('import_leg', 3) }} as import_port,
        {{ leg_part('import_leg', 4) }} as region,
        import_profit_cny_t,
        window_state,
        is_best_leg,
        spot_cny_t,
        parity_cny_t,
        fob_usd_t,
        freight_usd_t,
        fx_sell_cny_usd,
        inland_freight_cny_t,
        export_parity_usd_t,
        export_profit_usd_t,
        fob_date,
        spot_date,
        provider,
        null_reason,
        other_null_reason,
        available_at,
        data_origin
    from parity
    where place = 1

)

select * from final
