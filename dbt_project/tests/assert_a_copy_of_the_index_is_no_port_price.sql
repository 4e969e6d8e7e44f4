{{ config(meta={"dagster": {"ref": {"name": "fct_import_parity_daily"}}}) }}
-- A port price that equals the provider's index of the day to the last digit was copied: a finding, and no figure in the mart.
select
    parity.trade_date,
    parity.provider
from {{ ref('fct_import_parity_daily') }} as parity
inner join {{ ref('int_quality__identities') }} as findings
    on
        parity.fob_date = findings.trade_date
        and findings.check_id = 'figure_is_no_copy_of_the_index'
        and parity.vendor_parity_cny_t = findings.found_value
        and findings.subject like parity.provider || ' %'

union all

select
    trade_date,
    provider
from {{ ref('fct_import_parity_daily') }}
where (vendor_parity_cny_t is null) <> (vendor_null_reason is not null)
