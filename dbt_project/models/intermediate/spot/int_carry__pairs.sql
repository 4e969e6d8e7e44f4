-- Every pair of an origin and a delivery region with a freight term on a day, and what it costs to carry there: the terms in force on the
-- day, those without a scope and the speculative margin as columns.
{%- set names = [
    'interest_ratio', 'margin_ratio', 'vat_ratio', 'storage_cny_t_day', 'handling_cny_t', 'delivery_fee_cny_t', 'delivery_out_cny_t',
    'trade_fee_ratio', 'brand_premium_cny_t', 'carry_hurdle_cny_t', 'vat_credit_days', 'receipt_validity_days',
] %}

with traded_days as (

    select distinct
        commodity_code,
        trade_date
    from {{ ref('int_carry__contracts') }}

),

terms as (

    select * from {{ ref('int_commodities__terms') }}

),

costs as (

    select
        {%- for name in names %}
        max(case when terms.term = '{{ name }}' then terms.term_value end) as {{ name }},
        {%- endfor %}
        traded_days.commodity_code,
        traded_days.trade_date
    from traded_days
    inner join terms
        on
            traded_days.commodity_code = terms.commodity_code
            and (terms.scope = '' or (terms.term = 'margin_ratio' and terms.scope = 'spec'))
            and {{ in_force('terms', 'traded_days.trade_date') }}
    group by traded_days.commodity_code, traded_days.trade_date

),

pairs as (

    select
        traded_days.commodity_code,
        traded_days.trade_date,
        split_part(freights.scope, '>', 1) as origin_region,
        split_part(freights.scope, '>', 2) as warehouse_region,
        freights.term_value as freight_cny_t,
        premiums.term_value as region_premium_cny_t,
        capacities.term_value as capacity_t
    from traded_days
    inner join terms as freights
        on
            traded_days.commodity_code = freights.commodity_code
            and freights.term = 'freight_cny_t'
            and {{ in_force('freights', 'traded_days.trade_date') }}
    left join terms as premiums
        on
            traded_days.commodity_code = premiums.commodity_code
            and premiums.term = 'region_premium_cny_t'
            and split_part(freights.scope, '>', 2) = premiums.scope
            and {{ in_force('premiums', 'traded_days.trade_date') }}
    left join terms as capacities
        on
            traded_days.commodity_code = capacities.commodity_code
            and capacities.term = 'warehouse_capacity_t'
            and split_part(freights.scope, '>', 2) = capacities.scope
            and {{ in_force('capacities', 'traded_days.trade_date') }}

),

final as (

    select
        pairs.*,
        {%- for name in names %}
        costs.{{ name }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from pairs
    inner join costs
        on
            pairs.commodity_code = costs.commodity_code
            and pairs.trade_date = costs.trade_date

)

select * from final
