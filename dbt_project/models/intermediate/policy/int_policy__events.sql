-- Every version of a policy or market event, weighed for each commodity it concerns. All of it follows from what was known when the
-- version came: weights from the event's own day, the chain it belongs to from the versions then in force.
with recursive events as (

    select * from {{ ref('stg_policy__events') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}
    where dataset = 'policy__events'

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

topics as (

    select * from {{ ref('stg_catalog__policy_topics') }}

),

terms as (

    select * from {{ ref('int_commodities__terms') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

-- What is known to the month only, is known from the month's end.
dated as (

    select
        *,
        case when date_precision = 'month' then last_day(event_date) else event_date end as known_day
    from events

),

-- The session of a day, or the last one before it.
sessions as (

    select distinct
        day,
        max(session_index) over (order by day) as session_index
    from (
        select
            trade_date as day,
            session_index
        from days

        union all

        select
            known_day as day,
            cast(null as bigint) as session_index
        from dated
    ) as every_day

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

-- From its first override on an event is the desk's.
merged as (

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
        row_number() over (partition by told.event_id order by told.available_at, told.is_desk_override, told.vintage) as vintage,
        min(told.available_at) over (partition by told.event_id) as first_available_at,
        case
            when told.is_desk_override or overrides.overridden_at is null then told.superseded_at
            else least(coalesce(told.superseded_at, overrides.overridden_at), overrides.overridden_at)
        end as superseded_at,
        ';' || replace(lower(translate(coalesce(told.sectors, told.theme), '；，、,', ';;;;')), '; ', ';') || ';' as topic_list
    from told
    left join overrides on told.event_id = overrides.event_id
    where told.is_desk_override or overrides.overridden_at is null or told.available_at < overrides.overridden_at

),

-- The nearest of the topics an event names. One that names sectors and none of the commodity's is none of its events; one that names
-- no sector at all stays, without a weight.
related as (

    select
        commodities.commodity_code,
        merged.event_id,
        merged.vintage,
        min(case topics.relation when 'commodity' then 1 when 'sector' then 2 when 'group' then 3 when 'economy' then 4 end) as nearness
    from merged
    cross join commodities
    left join topics
        on
            commodities.commodity_code = topics.commodity_code
            and merged.topic_list like '%;' || topics.topic || ';%'
    where topics.topic is not null or merged.sectors is null
    group by commodities.commodity_code, merged.event_id, merged.vintage

),

classed as (

    select
        related.commodity_code,
        merged.*,
        parameters.policy_official_weight,
        parameters.policy_repeat_sessions,
        sessions.session_index,
        case
            when related.nearness = 1 then 'commodity'
            when related.nearness = 2 then 'sector'
            when related.nearness = 3 and merged.n_industries >= parameters.policy_industries then 'industries'
            when related.nearness = 3 then 'group'
            when related.nearness = 4 then 'economy'
        end as relation,
        -- What media say without a type is market news; of any other voice it is at least a signal.
        case
            when merged.event_type in ('signal', 'plan', 'rule', 'enforcement') then merged.event_type
            when merged.event_type is null and merged.is_own_voice then 'signal'
        end as phase
    from related
    inner join merged
        on
            related.event_id = merged.event_id
            and related.vintage = merged.vintage
    inner join parameters on related.commodity_code = parameters.commodity_code
    left join sessions on merged.known_day = sessions.day

),

{%- set in_force = "classed.known_day >= %s.valid_from and (%s.superseded_from is null or classed.known_day < %s.superseded_from)" %}

weighed as (

    select
        classed.*,
        authorities.term_value as authority_weight,
        specificities.term_value as specificity_ratio,
        phases.term_value as phase_ratio,
        -- A product of decimals, without the dust of floats.
        round(authorities.term_value * specificities.term_value * phases.term_value, 6) as intensity,
        case when classed.phase is not null then half_lives.term_value end as half_life_sessions
    from classed
    left join terms as authorities
        on
            classed.commodity_code = authorities.commodity_code
            and authorities.term = 'policy_authority_weight'
            and classed.authority = authorities.scope
            and {{ in_force | replace('%s', 'authorities') }}
    left join terms as specificities
        on
            classed.commodity_code = specificities.commodity_code
            and specificities.term = 'policy_specificity_ratio'
            and classed.relation = specificities.scope
            and {{ in_force | replace('%s', 'specificities') }}
    left join terms as phases
        on
            classed.commodity_code = phases.commodity_code
            and phases.term = 'policy_phase_ratio'
            and classed.phase = phases.scope
            and {{ in_force | replace('%s', 'phases') }}
    left join terms as half_lives
        on
            classed.commodity_code = half_lives.commodity_code
            and half_lives.term = 'policy_half_life_sessions'
            and half_lives.scope = case when classed.authority = 'rumour' then 'rumour' else 'policy' end
            and {{ in_force | replace('%s', 'half_lives') }}

),

-- What an event follows up on or, where it says nothing of it, what it repeats: an event of its theme shortly before that was no weaker in
-- voice, aim or phase. Only what was known first can be followed or repeated, so no chain runs in a circle.
pairs as (

    select
        later.commodity_code,
        later.event_id,
        later.vintage,
        later.available_at,
        later.first_available_at,
        earlier.event_id as ancestor_id,
        earlier.available_at as ancestor_available_at,
        earlier.superseded_at as ancestor_superseded_at,
        earlier.first_available_at as ancestor_first_available_at
    from weighed as later
    inner join weighed as earlier
        on
            later.commodity_code = earlier.commodity_code
            and later.followup_of = earlier.event_id

    union all

    select
        later.commodity_code,
        later.event_id,
        later.vintage,
        later.available_at,
        later.first_available_at,
        earlier.event_id as ancestor_id,
        earlier.available_at as ancestor_available_at,
        earlier.superseded_at as ancestor_superseded_at,
        earlier.first_available_at as ancestor_first_available_at
    from weighed as later
    inner join weighed as earlier
        on
            later.commodity_code = earlier.commodity_code
            and lower(later.theme) = lower(earlier.theme)
            and later.authority_weight <= earlier.authority_weight
            and later.specificity_ratio <= earlier.specificity_ratio
            and later.phase_ratio <= earlier.phase_ratio
    where
        later.followup_of is null
        and abs(later.session_index - earlier.session_index) <= later.policy_repeat_sessions

),

ancestors as (

    select
        commodity_code,
        event_id,
        vintage,
        ancestor_id,
        row_number() over (
            partition by commodity_code, event_id, vintage
            order by ancestor_first_available_at desc, ancestor_id desc
        ) as place
    from pairs
    where
        available_at >= ancestor_available_at
        and (ancestor_superseded_at is null or available_at < ancestor_superseded_at)
        and (
            first_available_at > ancestor_first_available_at
            or (first_available_at = ancestor_first_available_at and event_id > ancestor_id)
        )

),

linked as (

    select
        weighed.*,
        ancestors.ancestor_id,
        weighed.followup_of is null and ancestors.ancestor_id is not null as is_repeat
    from weighed
    left join ancestors
        on
            weighed.commodity_code = ancestors.commodity_code
            and weighed.event_id = ancestors.event_id
            and weighed.vintage = ancestors.vintage
            and ancestors.place = 1

),

-- Follow-ups of an event nobody told us of still belong together.
chains as (

    select
        commodity_code,
        event_id,
        vintage,
        available_at,
        superseded_at,
        coalesce(followup_of, event_id) as cluster_id
    from linked
    where ancestor_id is null

    union all

    select
        linked.commodity_code,
        linked.event_id,
        linked.vintage,
        linked.available_at,
        linked.superseded_at,
        chains.cluster_id
    from linked
    inner join chains
        on
            linked.commodity_code = chains.commodity_code
            and linked.ancestor_id = chains.event_id
            and linked.available_at >= chains.available_at
            and (chains.superseded_at is null or linked.available_at < chains.superseded_at)

),

final as (

    select
        linked.commodity_code,
        linked.event_id,
        linked.event_date,
        linked.date_precision,
        linked.session_index,
        linked.lang,
        linked.theme,
        linked.authority,
        linked.sectors,
        linked.n_industries,
        linked.event_type,
        linked.phase,
        linked.relation,
        linked.authority_weight,
        linked.specificity_ratio,
        linked.phase_ratio,
        linked.intensity,
        linked.half_life_sessions,
        linked.followup_of,
        chains.cluster_id,
        linked.is_repeat,
        linked.phase is not null and linked.authority_weight >= linked.policy_official_weight as is_official,
        coalesce(
            linked.phase in ('plan', 'rule', 'enforcement')
            and linked.authority_weight >= linked.policy_official_weight
            and linked.relation = 'commodity',
            false
        ) as is_commodity_document,
        linked.summary,
        linked.event_source,
        linked.source_url,
        linked.is_desk_override,
        linked.source,
        linked.data_origin,
        linked.payload_sha256,
        linked.fetched_at,
        linked.available_at,
        linked.superseded_at,
        linked.vintage,
        linked.superseded_at is null as is_latest,
        case
            when linked.phase is null then 'no_policy'
            when linked.relation is null then 'sectors_not_stated'
        end as null_reason
    from linked
    inner join chains
        on
            linked.commodity_code = chains.commodity_code
            and linked.event_id = chains.event_id
            and linked.vintage = chains.vintage

)

select * from final
