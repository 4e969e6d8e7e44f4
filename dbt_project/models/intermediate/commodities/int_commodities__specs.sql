with specs as (

    select * from {{ ref('stg_catalog__contract_specs') }}

),

final as (

    select
        commodity_code,
        valid_from,
        -- The first day on which the next row holds; null for the row in force.
        lead(valid_from) over (partition by commodity_code order by valid_from) as superseded_from,
        contract_size_t,
        tick_cny_t,
        warrant_unit_t,
        last_trading_day_rule,
        last_trading_day_value
    from specs

)

select * from final
