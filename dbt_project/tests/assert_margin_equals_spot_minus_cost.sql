-- A profit is the row's own spot less its own full cost; where one of them is missing there is none, and a reason.
select
    commodity_code,
    trade_date,
    provider,
    model_id,
    region
from {{ ref('fct_margin_daily') }}
where
    (profit_cny_t is null) <> (null_reason is not null)
    or abs(profit_cny_t - (spot_cny_t - cost_full_cny_t)) > 0.000001
    or abs(margin_pct - 100.0 * profit_cny_t / cost_full_cny_t) > 0.000001
