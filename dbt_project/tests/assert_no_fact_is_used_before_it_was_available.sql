{{ config(meta={"dagster": {"ref": {"name": "outlook_v2"}}}) }}
-- Point in time: what an outlook shows was published by its decision time.
select
    outlook.commodity_code,
    outlook.as_of_date,
    'quotes' as fact
from {{ ref('outlook_v2') }} as outlook
inner join {{ ref('fct_futures_daily') }} as futures
    on
        outlook.dominant_contract = futures.contract_code
        and outlook.quotes_date = futures.trade_date
where futures.available_at > outlook.decision_at

union all

select
    outlook.commodity_code,
    outlook.as_of_date,
    'receipts' as fact
from {{ ref('outlook_v2') }} as outlook
inner join {{ ref('int_receipts__daily') }} as receipts
    on
        outlook.commodity_code = receipts.commodity_code
        and outlook.receipts_date = receipts.trade_date
        and receipts.reading = 'decided'
where receipts.available_at > outlook.decision_at
