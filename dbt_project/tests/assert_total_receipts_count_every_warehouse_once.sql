{{ config(meta={"dagster": {"ref": {"name": "fct_receipts_daily"}}}) }}
-- Printed sum rows must never be added to the warehouses they sum up: the total of the mart is that of the detail rows of the
-- newest payload, warehouse and factory tables together; where it is not known, the mart says so.
with details as (

    select
        commodity_code,
        trade_date,
        sum(receipts_t) as receipts_t
    from {{ ref('int_receipts__levels') }}
    where is_latest and row_level = 'detail' and whole_reason is null
    group by commodity_code, trade_date

)

select
    totals.commodity_code,
    totals.trade_date,
    totals.receipts_t,
    details.receipts_t as detail_receipts_t
from {{ ref('fct_receipts_daily') }} as totals
full outer join details
    on
        totals.commodity_code = details.commodity_code
        and totals.trade_date = details.trade_date
where
    -- Doubles added up in another order may differ in their last digit.
    abs(totals.receipts_t - details.receipts_t) > 0.001 + 0.000000001 * totals.receipts_t
    or (totals.receipts_t is null) <> (details.receipts_t is null)
