-- A rejected day takes no stance; a stance has confidence, and its sign never contradicts the rules it names.
select *
from {{ ref('outlook_v1') }}
where
    (status = 'rejected') <> (stance is null)
    or (stance is null) <> (confidence is null)
    or (stance is null) <> (direction = 'undecided')
    or (horizon = 'short' and stance > 0 and (score <= 0.0 or rule_ids is null))
    or (horizon = 'short' and stance < 0 and rule_ids is null)
    or (coverage < 0.7 and headline_en not like 'No statement%')
