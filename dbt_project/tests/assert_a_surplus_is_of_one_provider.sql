{{ config(meta={"dagster": {"ref": {"name": "fct_supply_demand"}}}) }}
-- Production and demand of two providers are two counts of the country: no surplus is made of both.
select
    balance.commodity_code,
    balance.period_end,
    balance.provider
from {{ ref('fct_supply_demand') }} as balance
left join {{ ref('int_series__values') }} as demand
    on
        balance.commodity_code = demand.commodity_code
        and balance.provider = demand.provider
        and balance.demand_date = demand.obs_date
        and demand.role in ('demand', 'downstream_operating')
where
    (balance.surplus_kt_a is not null and demand.obs_date is null)
    or (balance.surplus_after_trade_kt_a is null and balance.null_reason is null)
