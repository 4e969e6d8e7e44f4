-- Each region once, the shares of a day are all of it.
select
    commodity_code,
    trade_date,
    sum(region_share_ratio) as shares
from (
    select distinct
        commodity_code,
        trade_date,
        region,
        region_share_ratio
    from {{ ref('fct_receipts_warehouse_daily') }}
) as regions
group by commodity_code, trade_date
having abs(sum(region_share_ratio) - 1.0) > 0.000001
