-- What is null at a decision is named among the reasons, and nothing else is.
{%- set figures = [
    ('margin_pct', 'margin'), ('profit_percentile_ratio', 'profit_percentile'), ('cost_full_monthly_cny_t', 'cost_full_monthly'),
    ('surplus_kt_a', 'surplus'), ('smelter_stock_change_kt', 'smelter_stock'), ('exports_mom_pct', 'exports'),
    ('downstream_rate_change_pp', 'downstream_rate'), ('parity_cny_t', 'parity'), ('import_leg', 'import_leg'),
] %}
with figures as (

    {%- for figure, name in figures %}
    select
        commodity_code,
        as_of_date,
        '{{ name }}' as figure,
        {{ figure }} is null as is_missing,
        ';' || null_reasons like '%;{{ name }}:%' as has_reason
    from {{ ref('int_fundamentals__known') }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

)

select * from figures
where is_missing <> has_reason
