{%- set spoken_of = ['fct_spot_daily', 'fct_receipts_warehouse_daily', 'fct_capacity', 'fct_inventory', 'fct_margin_daily'] %}

with named as (

    select * from {{ ref('stg_catalog__regions') }}

),

told as (

    {%- for mart in spoken_of %}
    select {{ stated('region') }} as region from {{ ref(mart) }}
    union
    {%- endfor %}
    select region from named

),

final as (

    select
        told.region,
        coalesce(named.region_name_en, told.region) as region_name_en,
        coalesce(named.region_name_zh, told.region) as region_name_zh,
        told.region = 'national' as is_national
    from told
    left join named on told.region = named.region

)

select * from final
