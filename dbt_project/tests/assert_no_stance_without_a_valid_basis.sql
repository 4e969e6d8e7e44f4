{{ config(meta={"dagster": {"ref": {"name": "outlook_v1"}}}) }}
-- A rejected day takes no stance and says so; a stance has confidence, and its sign never contradicts the rules it names.
select *
from {{ ref('outlook_v1') }}
where
    (status = 'rejected') <> (stance is null)
    or (status = 'rejected') <> (headline_en like 'No statement%')
    or (status = 'rejected' and score is not null and status_reason is null)
    or (stance is null) <> (confidence is null)
    or (stance is null) <> (direction = 'undecided')
    or (horizon = 'short' and stance > 0 and (score <= 0.0 or rule_ids is null))
    or (horizon = 'short' and stance < 0 and rule_ids is null)
