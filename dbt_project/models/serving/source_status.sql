-- A payload that was refused and is accepted by a mended parser has two receipts of one time: the acceptance is the later word.
with receipts as (

    select
        *,
        row_number() over (
            partition by source, feed
            order by attempted_at desc, case when outcome in ('ok', 'unchanged') then 0 else 1 end asc, request_key desc, outcome asc
        ) as place
    from {{ ref('stg_ingest__receipts') }}
    where {{ is_known('attempted_at') }}

),

payloads as (

    select distinct
        payload_sha256,
        source,
        feed
    from receipts

),

unread as (

    select
        payloads.source,
        payloads.feed,
        count(distinct findings.subject) as series_unread
    from {{ ref('int_quality__identities') }} as findings
    inner join payloads on findings.payload_sha256 = payloads.payload_sha256
    where findings.check_id = 'series_is_read_by_a_mart'
    group by payloads.source, payloads.feed

),

counted as (

    select
        source,
        feed,
        max(data_origin) as data_origin,
        max(attempted_at) as last_attempt_at,
        max(case when outcome in ('ok', 'unchanged') then attempted_at end) as last_ok_at,
        count(*) as attempts,
        count(case when outcome in ('ok', 'unchanged') then 1 end) as attempts_ok,
        count(case when is_failure then 1 end) as attempts_failed,
        max(case when place = 1 then outcome end) as last_outcome,
        {{ arg_max(
            "case when outcome not in ('ok', 'unchanged', 'no_session') then message end",
            "case when outcome not in ('ok', 'unchanged', 'no_session') then attempted_at end",
        ) }} as last_message
    from receipts
    group by source, feed

),

final as (

    select
        counted.*,
        coalesce(unread.series_unread, 0) as series_unread,
        licences.licence,
        coalesce(licences.may_redistribute, false) as may_redistribute
    from counted
    left join unread
        on
            counted.source = unread.source
            and counted.feed = unread.feed
    left join {{ ref('stg_catalog__licences') }} as licences
        on counted.source = licences.licensed_source

)

select * from final
