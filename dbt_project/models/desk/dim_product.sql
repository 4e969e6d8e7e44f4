with commodities as (

    select * from {{ ref('dim_commodity') }}

),

final as (

    select
        commodity_code,
        name_en,
        name_zh,
        exchange,
        product_id,
        listing_date,
        contract_size_t,
        tick_cny_t,
        warrant_unit_t
    from commodities

)

select * from final
