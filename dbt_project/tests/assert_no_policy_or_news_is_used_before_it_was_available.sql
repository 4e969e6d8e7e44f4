-- Point in time: what counts for policy and tone at a decision was published by then, and its day had come.
select
    commodity_code,
    as_of_date
from {{ ref('int_policy__known') }}
where
    policy_available_at > decision_at
    or news_available_at > decision_at
    or newest_event_date > as_of_date
