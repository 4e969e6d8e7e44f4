-- Rolls join up: what one roll takes up the next one leaves.
select *
from (
    select
        commodity_code,
        roll_date,
        from_contract,
        to_contract,
        lag(to_contract) over (partition by commodity_code order by roll_date) as held_before
    from {{ ref('fct_contract_rolls') }}
) as rolls
where from_contract = to_contract or held_before <> from_contract
