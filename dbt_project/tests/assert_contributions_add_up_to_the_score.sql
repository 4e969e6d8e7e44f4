-- The parts of a score sum to it exactly, weights that have data are what coverage says, and the score lies inside its band.
select *
from {{ ref('fct_sentiment_daily') }}
where
    abs(
        score - coalesce(contribution_policy, 0.0) - coalesce(contribution_receipts, 0.0)
        - coalesce(contribution_money, 0.0) - coalesce(contribution_fundamentals, 0.0)
    ) > 0.000000001
    or (score is null) <> (coverage = 0.0)
    or score_band_low > score_band_high
