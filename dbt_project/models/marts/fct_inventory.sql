-- Stocks and how they changed, and once a week all of them against the week's surplus. A change is one of a week: after a gap there is none.
with parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

stocks as (

    select * from {{ ref('int_inventory__stocks') }}

),

balance as (

    select
        'all' as stock_kind,
        *
    from {{ ref('int_balance__periods') }}
    where frequency = 'daily' and demand_basis = 'downstream_use'

),

before as (

    select
        *,
        lag(period_end) over line as previous_period_end,
        lag(stock_kt) over line as previous_stock_kt,
        lag(stock_kinds) over line as previous_stock_kinds,
        lag(available_at) over line as previous_available_at
    from stocks
    window line as (partition by commodity_code, provider, region, frequency, stock_kind order by period_end)

),

changed as (

    select
        before.*,
        case
            when before.previous_period_end is null then 'no_print_before'
            when
                before.previous_period_end < {{ add_days('before.period_end', '-parameters.weekly_gap_maximum_days') }}
                then 'gap_before'
            when before.stock_kinds <> before.previous_stock_kinds then 'other_stocks_before'
        end as null_reason,
        balance.surplus_after_trade_kt_a * 7.0 / 365.0 as surplus_kt,
        balance.available_at as balance_available_at,
        parameters.stock_reconciliation_tolerance_kt
    from before
    inner join parameters on before.commodity_code = parameters.commodity_code
    left join balance
        on
            before.commodity_code = balance.commodity_code
            and before.period_end = balance.period_end
            and before.provider = balance.provider
            and before.stock_kind = balance.stock_kind

),

final as (

    select
        commodity_code,
        provider,
        stock_kind,
        region,
        frequency,
        period_end,
        stock_kt,
        case when null_reason is null then stock_kt - previous_stock_kt end as stock_change_kt,
        previous_period_end,
        surplus_kt,
        case when null_reason is null then stock_kt - previous_stock_kt - surplus_kt end as reconciliation_gap_kt,
        case when null_reason is null then abs(stock_kt - previous_stock_kt - surplus_kt) <= stock_reconciliation_tolerance_kt end
            as is_reconciled,
        null_reason,
        case
            when stock_kind <> 'all' then 'surplus_kt:one_kind_of_stock'
            when surplus_kt is null then 'surplus_kt:no_balance_of_the_week'
        end as other_null_reason,
        greatest(
            available_at,
            coalesce(previous_available_at, available_at),
            coalesce(balance_available_at, available_at)
        ) as available_at,
        source,
        data_origin,
        payload_sha256
    from changed

)

select * from final
