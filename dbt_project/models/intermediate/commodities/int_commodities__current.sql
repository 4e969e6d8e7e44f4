with commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

specs as (

    select * from {{ ref('stg_catalog__contract_specs') }}

),

final as (

    select
        commodities.commodity_code,
        commodities.name_en,
        commodities.name_zh,
        commodities.exchange,
        commodities.product_id,
        commodities.listing_date,
        {{ arg_max('specs.contract_size_t', 'specs.valid_from') }} as contract_size_t,
        {{ arg_max('specs.tick_cny_t', 'specs.valid_from') }} as tick_cny_t,
        {{ arg_max('specs.warrant_unit_t', 'specs.valid_from') }} as warrant_unit_t,
        commodities.source_note
    from commodities
    inner join specs on commodities.commodity_code = specs.commodity_code
    group by
        commodities.commodity_code,
        commodities.name_en,
        commodities.name_zh,
        commodities.exchange,
        commodities.product_id,
        commodities.listing_date,
        commodities.source_note

)

select * from final
