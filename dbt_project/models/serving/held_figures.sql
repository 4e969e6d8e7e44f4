-- What stands in no mart because it is not believed yet, or was not for a while.
with held as (

    select * from {{ ref('int_series__held') }}

),

final as (

    select
        held_id,
        held_status,
        held_rule,
        provider,
        series_id,
        series_name,
        obs_date,
        value,
        low_value,
        high_value,
        unit,
        value_before,
        date_before,
        reason_en,
        reason_zh,
        held_at,
        freed_at,
        freed_by,
        review,
        review_reason,
        reviewed_at,
        request_name,
        source,
        data_origin,
        payload_sha256
    from held

)

select * from final
