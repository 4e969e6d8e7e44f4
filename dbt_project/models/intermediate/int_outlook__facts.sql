-- Every daily fact a signal can be made of, in one long form: what, about which day, knowable from when, from which payload.
with futures as (

    select * from {{ ref('int_futures__daily') }}
    where reading = 'decided'

),

receipts as (

    select * from {{ ref('int_receipts__daily') }}
    where reading = 'decided'

),

basis as (

    select * from {{ ref('fct_basis_daily') }}

),

spot as (

    select * from {{ ref('fct_spot_daily') }}

),

commodities as (

    select * from {{ ref('dim_commodity') }}

),

nearest as (

    select
        commodity_code,
        trade_date,
        available_at,
        {{ arg_max('open_interest_lots', 'sessions_to_last_trading_day * -1') }} as open_interest_lots
    from futures
    where sessions_to_last_trading_day >= 0
    group by commodity_code, trade_date, available_at

),

final as (

    select
        commodity_code,
        'ret_cc_2d_pct' as signal,
        trade_date as data_date,
        available_at,
        ret_cc_2d_pct as signal_value,
        payload_sha256
    from futures
    where is_dominant

    union all

    select
        commodity_code,
        'receipts_t' as signal,
        trade_date as data_date,
        available_at,
        receipts_t as signal_value,
        payload_sha256
    from receipts

    union all

    -- Open interest of the nearest contract over registered warrants; at zero warrants the ratio does not exist.
    select
        receipts.commodity_code,
        'squeeze_ratio' as signal,
        receipts.trade_date as data_date,
        greatest(receipts.available_at, nearest.available_at) as available_at,
        nearest.open_interest_lots * commodities.contract_size_t / nullif(receipts.receipts_t, 0.0) as signal_value,
        receipts.payload_sha256
    from receipts
    inner join nearest
        on
            receipts.commodity_code = nearest.commodity_code
            and receipts.trade_date = nearest.trade_date
    inner join commodities on receipts.commodity_code = commodities.commodity_code

    union all

    select
        commodity_code,
        'premium_rate_pct' as signal,
        trade_date as data_date,
        available_at,
        premium_rate_pct as signal_value,
        payload_sha256
    from basis
    where futures_leg = 'close' and region = 'national'

    union all

    select
        commodity_code,
        'spot_cny_t' as signal,
        trade_date as data_date,
        available_at,
        spot_cny_t as signal_value,
        payload_sha256
    from spot
    where region = 'national'

)

select * from final
where signal_value is not null
