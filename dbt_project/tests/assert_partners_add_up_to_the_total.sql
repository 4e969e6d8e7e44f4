-- The portal prints no sums, so the row over all partners is theirs; where one of them is not known there is none.
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
    (count(qty_t) < count(*)) <> (count(case when partner_code = 'all' then qty_t end) = 0)
    or (
        count(qty_t) = count(*)
        and abs(sum(case when partner_code = 'all' then qty_t else -qty_t end)) > 0.001 + 0.000000001 * max(qty_t)
    )
