-- Tone of every flash for each commodity, known from when the flash was pushed, not from when it was fetched.
with tones as (

    select * from {{ ref('stg_policy__tone') }}

),

topics as (

    select * from {{ ref('stg_catalog__policy_topics') }}
    where relation = 'commodity'

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}
    where dataset = 'policy__newsflash'

),

timed as (

    select
        topics.commodity_code,
        tones.event_date,
        tones.flash_id,
        tones.perspective,
        tones.tone,
        tones.hits,
        tones.participant_roles,
        tones.lexicon_version,
        tones.source,
        tones.data_origin,
        tones.payload_sha256,
        tones.fetched_at,
        {{ clock_at('tones.event_date', 'tones.published_at', 'clock') }} as clock_at
    from tones
    inner join topics on tones.perspective = topics.topic
    cross join clock

),

final as (

    {{ versions('timed', keys=['commodity_code', 'flash_id', 'perspective'], values=['tone', 'hits', 'participant_roles']) }}

)

select * from final
