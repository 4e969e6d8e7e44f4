{{ config(meta={"dagster": {"ref": {"name": "outlook_v1"}}}) }}
-- A rejected day takes no stance; a stance has confidence, and its sign never contradicts the rules it names.
with judged as (

    select
        outlook.*,
        parameters.coverage_minimum
    from {{ ref('outlook_v1') }} as outlook
    inner join {{ ref('int_commodities__parameters') }} as parameters on outlook.commodity_code = parameters.commodity_code

)

select *
from judged
where
    (status = 'rejected') <> (stance is null)
    or (stance is null) <> (confidence is null)
    or (stance is null) <> (direction = 'undecided')
    or (horizon = 'short' and stance > 0 and (score <= 0.0 or rule_ids is null))
    or (horizon = 'short' and stance < 0 and rule_ids is null)
    or (coverage < coverage_minimum and headline_en not like 'No statement%')
