-- At most one contract is dominant on a session, and one that was left is never dominant again.
with spells as (

    select
        commodity_code,
        contract_code,
        min(trade_date) as first_day,
        max(trade_date) as last_day
    from {{ ref('fct_futures_daily') }}
    where is_dominant
    group by commodity_code, contract_code

)

select
    earlier.commodity_code,
    earlier.contract_code,
    later.contract_code as overlapping_contract
from spells as earlier
inner join spells as later
    on
        earlier.commodity_code = later.commodity_code
        and earlier.contract_code <> later.contract_code
        and later.first_day between earlier.first_day and earlier.last_day
