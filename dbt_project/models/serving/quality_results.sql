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
