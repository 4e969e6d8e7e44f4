-- What ingestion found is known from when it looked; arithmetic inside the sources from when the figures were, whenever they were loaded.
with identities as (

    select * from {{ ref('int_quality__identities') }}

),

quarantine as (

    select * from {{ ref('stg_ingest__quarantine') }}
    where {{ is_known('fetched_at') }}

),

attempts as (

    select * from {{ ref('stg_ingest__receipts') }}
    where {{ is_known('attempted_at') }}

),

held as (

    select * from {{ ref('int_series__held') }}
    where held_status = 'held'

),

final as (

    select
        check_id,
        'dbt' as tool,
        'warning' as severity,
        'finding' as result,
        table_name,
        trade_date,
        subject,
        expected_value,
        found_value,
        cast(1 as bigint) as rows_failed,
        message,
        payload_sha256
    from identities

    union all

    select
        'held_' || held_rule as check_id,
        'dbt' as tool,
        'warning' as severity,
        'finding' as result,
        dataset as table_name,
        obs_date as trade_date,
        provider || ' ' || series_id || ' value' as subject,
        value_before as expected_value,
        value as found_value,
        cast(1 as bigint) as rows_failed,
        coalesce(request_name || ': ', '') || reason_en || ' It is in no mart; alumina review list' as message,
        payload_sha256
    from held

    union all

    select
        reason as check_id,
        'pandera' as tool,
        'warning' as severity,
        'finding' as result,
        table_name,
        cast(null as date) as trade_date,
        request_name as subject,
        cast(null as double) as expected_value,
        cast(null as double) as found_value,
        cast(count(*) as bigint) as rows_failed,
        max(message) as message,
        payload_sha256
    from quarantine
    group by reason, table_name, request_name, payload_sha256

    union all

    select
        outcome || ':' || coalesce(reason, '') as check_id,
        'ingest' as tool,
        'warning' as severity,
        'finding' as result,
        source || '/' || feed as table_name,
        cast(null as date) as trade_date,
        request_name as subject,
        cast(null as double) as expected_value,
        cast(null as double) as found_value,
        cast(null as bigint) as rows_failed,
        max(message) as message,
        payload_sha256
    from attempts
    where is_failure
    group by outcome, reason, source, feed, request_name, payload_sha256

)

select * from final
