-- Neighbouring contracts that both traded. One sign for all: above zero the near one costs more (backwardation), and who is long is paid to roll.
with quotes as (

    select * from {{ ref('fct_futures_daily') }}
    where close_cny_t > 0.0

),

curve as (

    select
        *,
        lead(contract_code) over legs as far_leg_contract,
        lead(delivery_month) over legs as far_delivery_month,
        lead(close_cny_t) over legs as far_close_cny_t,
        lead(is_dominant) over legs as is_far_dominant,
        lead(available_at) over legs as far_available_at
    from quotes
    window legs as (partition by commodity_code, trade_date order by delivery_month)

),

spaced as (

    select
        *,
        12 * (extract(year from far_delivery_month) - extract(year from delivery_month))
        + extract(month from far_delivery_month) - extract(month from delivery_month) as months_between
    from curve
    where far_leg_contract is not null

),

final as (

    select
        commodity_code,
        trade_date,
        contract_code as near_leg_contract,
        far_leg_contract,
        cast(months_between as bigint) as months_between,
        close_cny_t as near_close_cny_t,
        far_close_cny_t,
        close_cny_t - far_close_cny_t as near_less_far_cny_t,
        (close_cny_t - far_close_cny_t) / months_between as roll_yield_cny_t_month,
        100.0 * ln(close_cny_t / far_close_cny_t) / months_between as roll_yield_pct_month,
        is_dominant as is_near_dominant,
        is_far_dominant,
        greatest(available_at, far_available_at) as available_at,
        data_origin
    from spaced

)

select * from final
