{%- set of_vendors = ['fct_spot_daily', 'fct_capacity', 'fct_inventory', 'fct_margin_daily', 'fct_import_parity_daily', 'fct_supply_demand'] %}

with words as (

    select * from {{ ref('stg_catalog__words') }}
    where word_kind = 'provider'

),

told as (

    {%- for mart in of_vendors %}
    select provider from {{ ref(mart) }}
    {{ 'union' if not loop.last }}
    {%- endfor %}

),

final as (

    select
        told.provider,
        coalesce(words.word_en, told.provider) as name_en,
        coalesce(words.word_zh, told.provider) as name_zh
    from told
    left join words on told.provider = words.word

)

select * from final
