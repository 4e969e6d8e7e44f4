-- Every growth has the month it is taken from in the same code, level and scheme; a heading and an item never make one.
with trade as (

    select
        *,
        12 * extract(year from month) + extract(month from month) as month_number
    from {{ ref('fct_trade_balance_monthly') }}

)

select
    trade.commodity_code,
    trade.month,
    trade.hs_code,
    trade.flow,
    trade.partner_code
from trade
left join trade as year_ago
    on
        trade.commodity_code = year_ago.commodity_code
        and trade.role = year_ago.role
        and trade.hs_code = year_ago.hs_code
        and trade.partner_scheme = year_ago.partner_scheme
        and trade.flow = year_ago.flow
        and trade.partner_code = year_ago.partner_code
        and trade.month_number - 12 = year_ago.month_number
where
    (trade.yoy_pct is not null and year_ago.qty_t is null)
    or (trade.yoy_pct is null and trade.yoy_null_reason is null)
    or (trade.mom_pct is null and trade.mom_null_reason is null)
