-- Supply and demand of a month by one provider, of several the first by name, with demand counted from what users made.
with balance as (

    select
        *,
        row_number() over (partition by commodity_code, period_end order by provider) as place
    from {{ ref('fct_supply_demand') }}
    where frequency = 'monthly' and demand_basis = 'downstream_use'

),

final as (

    select
        commodity_code,
        cast(date_trunc('month', period_end) as date) as month,
        surplus_after_trade_kt_a,
        surplus_kt_a,
        surplus_kt,
        surplus_pct,
        production_kt_a,
        demand_kt_a,
        net_import_kt_a,
        production_date,
        demand_date,
        trade_month,
        provider,
        null_reason,
        available_at,
        data_origin
    from balance
    where place = 1

)

select * from final
