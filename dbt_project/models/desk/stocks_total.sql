-- All stocks of a provider's print in one figure, one provider a day: of several the first by name.
with stocks as (

    select
        *,
        row_number() over (partition by commodity_code, period_end order by provider, frequency, region) as place
    from {{ ref('fct_inventory') }}
    where stock_kind = 'all'

),

final as (

    select
        commodity_code,
        period_end,
        stock_kt,
        stock_change_kt,
        previous_period_end,
        surplus_kt,
        reconciliation_gap_kt,
        is_reconciled,
        provider,
        frequency,
        case when stock_kt is null then 'no_stock' end as null_reason,
        nullif(concat_ws(';', 'stock_change_kt:' || null_reason, other_null_reason), '') as other_null_reason,
        available_at,
        data_origin
    from stocks
    where place = 1

)

select * from final
