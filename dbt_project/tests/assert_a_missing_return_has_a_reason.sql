-- A return is null exactly where its reason stands.
{%- set returns = [
    'ret_cc_1d_pct', 'ret_cc_2d_pct', 'ret_cc_5d_pct', 'ret_ss_2d_pct', 'ret_c_ps_pct', 'ret_s_ps_pct', 'ret_n_ps_pct', 'ret_c_night_pct',
] %}
select *
from {{ ref('fct_futures_daily') }}
where
    false
    {%- for column in returns %}
    or ({{ column }} is null) <> (coalesce(null_reason, '') like '%{{ column }}:%')
    {%- endfor %}
