-- Basis is spot less futures, premium futures less spot; a figure is null exactly where a reason stands.
select *
from {{ ref('fct_basis_daily') }}
where
    premium_cny_t <> -basis_cny_t
    or (ann_carry_gross_pct is null) <> (null_reason is not null)
    or (basis_cny_t is null and null_reason is null)
    or (basis_cny_t is not null and abs(spot_cny_t - futures_cny_t - basis_cny_t) > 0.000001)
