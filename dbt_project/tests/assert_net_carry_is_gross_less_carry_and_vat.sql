-- The parts of a carry trade add up, one pair at most is the best of its contract, and a missing net has its reason.
select
    commodity_code,
    trade_date,
    contract_code,
    provider
from {{ ref('fct_carry_daily') }}
group by commodity_code, trade_date, contract_code, provider
having
    max(abs(gross_cny_t - carry_cny_t - vat_adj_cny_t - net_cny_t)) > 0.000001
    or sum(case when is_best_pair then 1 else 0 end) > 1
    or sum(case when is_best_pair and constraint_reason is not null then 1 else 0 end) > 0
    or sum(case when (net_cny_t is null) <> (null_reason is not null) then 1 else 0 end) > 0
