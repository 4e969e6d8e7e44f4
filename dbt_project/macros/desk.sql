{# What the relations of the desk share. #}

{# Why one figure of a row is null, from the reasons of all of its figures; null where it is not. #}
{% macro reason_of(reasons, figure) -%}
    nullif(regexp_extract({{ reasons }}, '(^|;){{ figure }}:([^;]*)', 2), '')
{%- endmacro %}

{# A name as it is stated; what an exchange leaves open is `unstated`, for an empty text is no name. #}
{% macro stated(name) %}coalesce(nullif({{ name }}, ''), 'unstated'){% endmacro %}

{# Rows of trade that count one thing once: China's own customs, its own partner codes, and items of 8 digits, which do not hold each other. #}
{% macro is_own_trade(role) -%}
    role = '{{ role }}' and hs_scope = 'item' and reporter = '156' and partner_scheme = 'gacc'
{%- endmacro %}

{# CTEs of the dominant contract against the national spot price at one clock, from one source of the price; of several providers the first by name, as the outlook does. #}
{% macro premium_of(leg, price_source) -%}
with basis as (

    select
        *,
        row_number() over (partition by commodity_code, trade_date order by provider) as place
    from {{ ref('fct_basis_daily') }}
    where futures_leg = '{{ leg }}' and price_source = '{{ price_source }}' and spot_leg = 'natl'

),

final as (

    select
        commodity_code,
        trade_date,
        contract_code,
        premium_cny_t,
        premium_rate_pct,
        futures_cny_t,
        spot_cny_t,
        basis_cny_t,
        basis_rate_pct,
        days_to_delivery_end,
        ann_carry_gross_pct,
        futures_leg,
        spot_leg,
        price_source,
        provider,
        case when premium_cny_t is null then null_reason end as null_reason,
        null_reason as other_null_reason,
        available_at,
        data_origin
    from basis
    where place = 1

)
{%- endmacro %}

{# CTEs of trade in what a customs code is to the commodity, imports and exports of a month in one row. #}
{% macro trade_of(role) -%}
with flows as (

    select * from {{ ref('fct_trade_balance_monthly') }}
    where {{ is_own_trade(role) }} and partner_code = 'all'

),

final as (

    select
        commodity_code,
        month,
        hs_code,
        max(case when flow = 'import' then qty_t end) as import_t,
        max(case when flow = 'export' then qty_t end) as export_t,
        max(case when flow = 'net' then net_import_t end) as net_import_t,
        max(case when flow = 'import' then value_usd end) as import_value_usd,
        max(case when flow = 'export' then value_usd end) as export_value_usd,
        max(case when flow = 'import' then unit_value_usd_t end) as import_unit_value_usd_t,
        max(case when flow = 'export' then unit_value_usd_t end) as export_unit_value_usd_t,
        max(case when flow = 'import' then yoy_pct end) as import_yoy_pct,
        max(case when flow = 'export' then yoy_pct end) as export_yoy_pct,
        max(case when flow = 'import' then ytd_t end) as import_ytd_t,
        max(case when flow = 'export' then ytd_t end) as export_ytd_t,
        case when max(case when flow = 'import' then qty_t end) is null then 'no_import_figure' end as null_reason,
        nullif(
            concat_ws(
                ';',
                case when max(case when flow = 'export' then qty_t end) is null then 'export_t:no_export_figure' end,
                'net_import_t:' || max(case when flow = 'net' and net_import_t is null then null_reason end),
                'import_yoy_pct:' || max(case when flow = 'import' then yoy_null_reason end),
                'export_yoy_pct:' || max(case when flow = 'export' then yoy_null_reason end),
                'import_ytd_t:' || max(case when flow = 'import' and ytd_t is null then null_reason end),
                'export_ytd_t:' || max(case when flow = 'export' and ytd_t is null then null_reason end)
            ),
            ''
        ) as other_null_reason,
        max(available_at) as available_at,
        max(data_origin) as data_origin
    from flows
    group by commodity_code, month, hs_code

)
{%- endmacro %}
