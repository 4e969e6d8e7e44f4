-- A price report, however loud, has no intensity and is no document.
select
    commodity_code,
    event_id
from {{ ref('fct_policy_events') }}
where
    (event_type in ('supply', 'other') or (authority = 'media' and event_type is null))
    and (intensity is not null or is_commodity_document or phase is not null)
