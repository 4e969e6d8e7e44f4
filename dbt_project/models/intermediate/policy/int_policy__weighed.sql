-- Every version of an event, weighed for each commodity it concerns by what was in force on the event's own day.
with versions as (

    select * from {{ ref('int_policy__versions') }}

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
        from versions
    ) as every_day

),

-- The nearest of the topics an event names. One that names sectors and none of the commodity's is none of its events; one that names
-- no sector at all stays, without a weight.
related as (

    select
        commodities.commodity_code,
        versions.event_id,
        versions.vintage,
        min(case topics.relation when 'commodity' then 1 when 'sector' then 2 when 'group' then 3 when 'economy' then 4 end) as nearness
    from versions
    cross join commodities
    left join topics
        on
            commodities.commodity_code = topics.commodity_code
            and versions.topic_list like '%;' || topics.topic || ';%'
    where topics.topic is not null or versions.sectors is null
    group by commodities.commodity_code, versions.event_id, versions.vintage

),

classed as (

    select
        related.commodity_code,
        versions.*,
        parameters.policy_official_weight,
        parameters.policy_repeat_sessions,
        sessions.session_index,
        case
            when related.nearness = 1 then 'commodity'
            when related.nearness = 2 then 'sector'
            when related.nearness = 3 and versions.n_industries >= parameters.policy_industries then 'industries'
            when related.nearness = 3 then 'group'
            when related.nearness = 4 then 'economy'
        end as relation,
        -- An untyped event is market news if it comes from media; from any other authority it is at least a signal.
        case
            when versions.event_type in ('signal', 'plan', 'rule', 'enforcement') then versions.event_type
            when versions.event_type is null and versions.is_own_voice then 'signal'
        end as phase
    from related
    inner join versions
        on
            related.event_id = versions.event_id
            and related.vintage = versions.vintage
    inner join parameters on related.commodity_code = parameters.commodity_code
    left join sessions on versions.known_day = sessions.day

),

final as (

    select
        classed.*,
        authorities.term_value as authority_weight,
        specificities.term_value as specificity_ratio,
        phases.term_value as phase_ratio,
        -- Multiplied as decimals, without rounding errors of floats.
        round(authorities.term_value * specificities.term_value * phases.term_value, 6) as intensity,
        case when classed.phase is not null then half_lives.term_value end as half_life_sessions
    from classed
    left join terms as authorities
        on
            classed.commodity_code = authorities.commodity_code
            and authorities.term = 'policy_authority_weight'
            and classed.authority = authorities.scope
            and {{ in_force('authorities', 'classed.known_day') }}
    left join terms as specificities
        on
            classed.commodity_code = specificities.commodity_code
            and specificities.term = 'policy_specificity_ratio'
            and classed.relation = specificities.scope
            and {{ in_force('specificities', 'classed.known_day') }}
    left join terms as phases
        on
            classed.commodity_code = phases.commodity_code
            and phases.term = 'policy_phase_ratio'
            and classed.phase = phases.scope
            and {{ in_force('phases', 'classed.known_day') }}
    left join terms as half_lives
        on
            classed.commodity_code = half_lives.commodity_code
            and half_lives.term = 'policy_half_life_sessions'
            and half_lives.scope = case when classed.authority = 'rumour' then 'rumour' else 'policy' end
            and {{ in_force('half_lives', 'classed.known_day') }}

)

select * from final
