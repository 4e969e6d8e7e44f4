-- A level breaks on the first session that trades above it: the highest price of the 20 sessions before did not reach above.
select *
from {{ ref('fct_price_levels') }}
where
    (is_broken and level_cny_t < prior_high_20d_cny_t)
    or (prior_high_20d_cny_t is null or is_broken is null) <> (null_reason is not null)
    or coalesce(is_broken, false) <> (broken_session is not null)
