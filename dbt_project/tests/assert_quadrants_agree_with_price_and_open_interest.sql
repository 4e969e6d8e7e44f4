-- Longs build and shorts cover in a rise, the others in a fall; who builds adds open interest. Null exactly where a reason stands.
select *
from {{ ref('fct_positioning_daily') }}
where
    (quadrant in ('long_build', 'short_covering') and price_change_pct <= 0.0)
    or (quadrant in ('short_build', 'long_liquidation') and price_change_pct >= 0.0)
    or (quadrant in ('long_build', 'short_build') and open_interest_moved_lots <= 0)
    or (quadrant in ('short_covering', 'long_liquidation') and open_interest_moved_lots >= 0)
    or (quadrant is null) <> (coalesce(null_reason, '') like '%quadrant:%')
    or (top20_net_lots is null) <> (coalesce(null_reason, '') like '%members:%')
