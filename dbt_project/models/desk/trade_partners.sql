-- Partners of the product's own customs item, without their total, which stands in trade_monthly.
with flows as (

    select * from {{ ref('fct_trade_balance_monthly') }}
    where {{ is_own_trade('product') }} and partner_code <> 'all'

),

final as (

    select
        commodity_code,
        month,
        hs_code,
        partner_code,
        max(partner_name) as partner_name,
        max(case when flow = 'import' then qty_t end) as import_t,
        max(case when flow = 'export' then qty_t end) as export_t,
        max(case when flow = 'import' then value_usd end) as import_value_usd,
        max(case when flow = 'export' then value_usd end) as export_value_usd,
        max(case when flow = 'import' then partner_share_ratio end) as import_share_ratio,
        max(case when flow = 'export' then partner_share_ratio end) as export_share_ratio,
        max(available_at) as available_at,
        max(data_origin) as data_origin
    from flows
    group by commodity_code, month, hs_code, partner_code

)

select * from final
