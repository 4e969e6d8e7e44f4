with commodities as (

    select * from {{ ref('int_commodities__current') }}

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
        warrant_unit_t,
        source_note
    from commodities

)

select * from final
