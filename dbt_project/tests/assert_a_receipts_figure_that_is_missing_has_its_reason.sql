-- No figure of the receipts mart is null without a word, and none that stands has one.
{%- set figures = [
    'receipts_t', 'receipts_change_t', 'receipts_change_3d_pct', 'percentile_since_listing_ratio', 'percentile_since_first_nonzero_ratio', 'days_since_ltd',
    'receipts_usual_t', 'receipts_change_norm', 'cycle_ratio', 'squeeze_ratio', 'squeeze_percentile_ratio', 'squeeze_dominant_ratio', 'cover_days',
    'expiry_30d_ratio', 'expiry_60d_ratio', 'expiry_90d_ratio',
] %}
{%- for figure in figures %}
select
    commodity_code,
    trade_date,
    '{{ figure }}' as figure
from {{ ref('fct_receipts_daily') }}
where ({{ figure }} is null) <> (';' || coalesce(null_reason, '') like '%;{{ figure }}:%')
{%- if not loop.last %}

union all
{% endif %}
{%- endfor %}
