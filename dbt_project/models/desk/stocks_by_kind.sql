-- The parts, without their sum, which stands in stocks_total.
with stocks as (

    select * from {{ ref('fct_inventory') }}
    where stock_kind <> 'all'

),

final as (

    select
        commodity_code,
        period_end,
        provider,
        stock_kind,
        region,
        frequency,
        stock_kt,
        stock_change_kt,
        previous_period_end,
        case when stock_kt is null then 'no_stock' end as null_reason,
        'stock_change_kt:' || null_reason as other_null_reason,
        available_at,
        data_origin
    from stocks

)

select * from final
