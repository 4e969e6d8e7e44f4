{{ config(meta={"dagster": {"ref": {"name": "outlook_changes"}}}) }}
-- What changed is told without remainder: the four causes of all components sum to the score's difference.
with told as (

    select
        commodity_code,
        as_of_date,
        max(previous_as_of_date) as previous_as_of_date,
        sum(change_new_data + change_revision + change_calendar + change_configuration) as told_change
    from {{ ref('outlook_changes') }}
    group by commodity_code, as_of_date

)

select
    told.commodity_code,
    told.as_of_date,
    told.told_change,
    today.score,
    before.score as score_before
from told
inner join {{ ref('fct_sentiment_daily') }} as today
    on
        told.commodity_code = today.commodity_code
        and told.as_of_date = today.as_of_date
inner join {{ ref('fct_sentiment_daily') }} as before
    on
        told.commodity_code = before.commodity_code
        and told.previous_as_of_date = before.as_of_date
where abs(told.told_change - (coalesce(today.score, 0.0) - coalesce(before.score, 0.0))) > 0.000000001
