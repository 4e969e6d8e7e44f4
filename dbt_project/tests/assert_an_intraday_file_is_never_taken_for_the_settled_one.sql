{{ config(meta={"dagster": {"ref": {"name": "fct_futures_daily"}}}) }}
-- A row is final exactly where it has a settlement; a contract that traded without one is a hole the exchange left, and has a finding.
select
    futures.contract_code,
    futures.trade_date
from {{ ref('fct_futures_daily') }} as futures
left join {{ ref('int_quality__identities') }} as findings
    on
        futures.payload_sha256 = findings.payload_sha256
        and findings.check_id = 'traded_contract_has_a_settlement'
where
    futures.is_final <> (futures.settle_cny_t is not null)
    or (futures.is_traded and not futures.is_final and findings.check_id is null)
