-- The portal prints no sums, so the row over all partners is theirs, where all of them are known.
select
    commodity_code,
    month,
    role,
    hs_code,
    flow
from {{ ref('fct_trade_balance_monthly') }}
where partner_scheme = 'gacc' and flow <> 'net'
group by commodity_code, month, role, hs_code, flow
having
    count(case when partner_code = 'all' then qty_t end) > 0
    and abs(sum(case when partner_code = 'all' then qty_t else -qty_t end)) > 0.001 + 0.000000001 * max(qty_t)
