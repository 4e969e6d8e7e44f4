with events as (

    select * from {{ ref('int_policy__events') }}
    where is_latest

),

-- What came after an event in its own chain.
followups as (

    select
        earlier.commodity_code,
        earlier.event_id,
        later.event_id as last_followup_id,
        later.available_at as followup_known_at,
        max(case when later.phase in ('rule', 'enforcement') then 1 else 0 end)
            over (partition by earlier.commodity_code, earlier.event_id)
            as is_implemented,
        row_number() over (
            partition by earlier.commodity_code, earlier.event_id
            order by later.available_at desc, later.event_id desc
        ) as place
    from events as earlier
    inner join events as later
        on
            earlier.commodity_code = later.commodity_code
            and earlier.cluster_id = later.cluster_id
            and earlier.event_id <> later.event_id
            and earlier.available_at <= later.available_at
    where later.followup_of is not null and later.phase is not null and earlier.phase is not null

),

final as (

    select
        events.commodity_code,
        events.event_id,
        events.event_date,
        events.date_precision,
        events.theme,
        events.summary,
        events.authority,
        events.sectors,
        events.n_industries,
        events.event_type,
        events.phase,
        events.relation,
        events.authority_weight,
        events.specificity_ratio,
        events.phase_ratio,
        events.intensity,
        events.half_life_sessions,
        events.cluster_id,
        events.is_repeat,
        events.followup_of,
        followups.last_followup_id,
        followups.followup_known_at,
        case
            when events.phase is null then null
            when events.phase in ('rule', 'enforcement') or followups.is_implemented = 1 then 'implemented'
            when followups.last_followup_id is not null then 'followed_up'
            else 'pending'
        end as followup_state,
        events.is_commodity_document,
        events.is_desk_override,
        events.null_reason,
        events.event_source,
        events.source_url,
        events.vintage,
        events.available_at,
        events.source,
        events.data_origin,
        events.payload_sha256
    from events
    left join followups
        on
            events.commodity_code = followups.commodity_code
            and events.event_id = followups.event_id
            and followups.place = 1

)

select * from final
