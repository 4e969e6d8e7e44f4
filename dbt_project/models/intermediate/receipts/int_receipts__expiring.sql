-- What the exchange prints of receipts about to expire, restated each month: a figure of an earlier month no longer holds.
with totals as (

    select * from {{ ref('int_receipts__totals') }}
    where whole_reason is null

),

terms as (

    select * from {{ ref('int_commodities__terms') }}

),

final as (

    select
        totals.reading,
        totals.commodity_code,
        totals.trade_date,
        {%- for days_ahead in [30, 60, 90] %}
        max(case when terms.term = 'receipts_expiring_{{ days_ahead }}d_t' then terms.term_value end) as expiring_{{ days_ahead }}d_t
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from totals
    inner join terms
        on
            totals.commodity_code = terms.commodity_code
            and terms.term like 'receipts_expiring_%'
            and {{ in_force('terms', 'totals.trade_date') }}
            and date_trunc('month', totals.trade_date) = date_trunc('month', terms.valid_from)
    group by totals.reading, totals.commodity_code, totals.trade_date

)

select * from final
