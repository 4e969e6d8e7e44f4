-- Every version of a policy or market event as it was known: what a payload said, and from when until when that held. The desk's word
-- takes the place of what was told before it.
with events as (

    select * from {{ ref('stg_policy__events') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}
    where dataset = 'policy__events'

),

-- What is known to the month only, is known from the month's end.
dated as (

    select
        *,
        case when date_precision = 'month' then last_day(event_date) else event_date end as known_day
    from events

),

told_plainly as (

    select
        event_id,
        min(fetched_at) as plain_fetched_at
    from events
    where not is_desk_override
    group by event_id

),

clocked as (

    select
        dated.*,
        told_plainly.plain_fetched_at,
        {{ clock_at('dated.known_day', 'dated.published_at', 'clock') }} as stated_at
    from dated
    cross join clock
    left join told_plainly on dated.event_id = told_plainly.event_id

),

-- The desk's word on an event that was told already holds from when it came, whatever time of publication it repeats.
timed as (

    select
        *,
        case
            when is_desk_override and plain_fetched_at <= fetched_at then greatest(stated_at, fetched_at)
            else stated_at
        end as clock_at
    from clocked

),

told as (

    {{ versions(
        'timed',
        keys=['event_id', 'is_desk_override'],
        values=[
            'event_date', 'date_precision', 'theme', 'authority', 'event_type', 'sectors', 'n_industries', 'followup_of', 'summary',
        ]
    ) }}

),

overrides as (

    select
        event_id,
        min(available_at) as overridden_at
    from told
    where is_desk_override
    group by event_id

),

-- After its first override an event belongs to the desk.
final as (

    select
        told.event_id,
        told.event_date,
        told.known_day,
        told.date_precision,
        told.lang,
        told.theme,
        told.authority,
        told.authority <> 'media' as is_own_voice,
        told.event_type,
        told.sectors,
        told.n_industries,
        told.followup_of,
        told.summary,
        told.event_source,
        told.source_url,
        told.is_desk_override,
        told.source,
        told.data_origin,
        told.payload_sha256,
        told.fetched_at,
        told.available_at,
        cast(row_number() over (partition by told.event_id order by told.available_at, told.is_desk_override, told.vintage) as bigint) as vintage,
        min(told.available_at) over (partition by told.event_id) as first_available_at,
        case
            when told.is_desk_override or overrides.overridden_at is null then told.superseded_at
            else least(coalesce(told.superseded_at, overrides.overridden_at), overrides.overridden_at)
        end as superseded_at,
        ';' || replace(lower(translate(coalesce(told.sectors, told.theme), '；，、,', ';;;;')), '; ', ';') || ';' as topic_list
    from told
    left join overrides on told.event_id = overrides.event_id
    where told.is_desk_override or overrides.overridden_at is null or told.available_at < overrides.overridden_at

)

select * from final
