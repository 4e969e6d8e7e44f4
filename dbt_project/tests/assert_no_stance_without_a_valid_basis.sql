{{ config(meta={"dagster": {"ref": {"name": "outlook_v2"}}}) }}
-- A rejected day says nothing but why; a stance has its reason, a call its probability, a fallback the vendors it waits for.
select *
from {{ ref('outlook_v2') }}
where
    (status = 'rejected') <> (headline_en like 'No statement%')
    or (status = 'rejected' and (coalesce(stance, call) is not null or coalesce(probability_up, interval80_low_cny_t) is not null))
    or (status in ('rejected', 'fallback') and status_reason is null)
    or (status = 'fallback' and (profile <> 'exchange' or status_reason not like 'vendor_inputs_late%'))
    or (stance is null) <> (direction = 'undecided')
    or (stance is null and stance_reason is null)
    or (horizon <> 'short' and abs(stance) > 1)
    or (horizon = 'long' and profile = 'exchange' and stance is not null)
    or (call is not null and probability_up is null)
    or (probability_up is null) <> (forecast_score is null)
    or (probability_up is null and call_reason is null)
    or interval80_low_cny_t > interval80_high_cny_t
