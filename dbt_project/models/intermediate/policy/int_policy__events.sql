-- Every version of a policy or market event for each commodity it concerns, with the chain it belongs to: made of the versions in force when
-- it came.
with recursive weighed as (

    select * from {{ ref('int_policy__weighed') }}

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

-- Follow-ups of an event we do not hold still form one chain.
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
            and {{ known_then('chains', 'linked.available_at') }}

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
