-- The parts of a score sum to it exactly, and weights that have data are what coverage says.
select *
from {{ ref('outlook_v1') }}
where
    abs(
        score - coalesce(contribution_policy, 0.0) - coalesce(contribution_receipts, 0.0)
        - coalesce(contribution_money, 0.0) - coalesce(contribution_fundamentals, 0.0)
    ) > 0.000000001
    or (score is null) <> (coverage = 0.0)
