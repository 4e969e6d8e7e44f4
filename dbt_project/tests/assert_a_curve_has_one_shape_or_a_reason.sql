-- A shape needs a pair of liquid legs, a slope both leading contracts; what is missing has its reason.
select *
from {{ ref('fct_term_structure_daily') }}
where
    (shape is null) <> (coalesce(null_reason, '') like '%shape:%')
    or (slope_pct_month is null) <> (coalesce(null_reason, '') like '%slope_pct_month:%')
    or (pairs = 0) <> (shape is null)
    or (days_same_sign is null) <> (slope_pct_month is null)
