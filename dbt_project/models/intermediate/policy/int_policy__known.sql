-- As-of join: policy intensity and news tone as they stood at each decision, each event in the version then in force.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

events as (

    select * from {{ ref('int_policy__events') }}

),

news as (

    select * from {{ ref('int_policy__news') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

-- Repeats and market news add nothing to policy.
visible as (

    select
        decisions.as_of_date,
        decisions.session_index as as_of_index,
        events.*,
        row_number() over (
            partition by events.commodity_code, decisions.as_of_date
            order by events.session_index desc, events.available_at desc, events.event_id desc
        ) as newest,
        row_number() over (
            partition by events.commodity_code, decisions.as_of_date, events.cluster_id
            order by events.intensity desc, events.half_life_sessions desc, events.event_id asc
        ) as strongest
    from decisions
    inner join events
        on
            decisions.commodity_code = events.commodity_code
            and {{ known_then('events', 'decisions.decision_at') }}
    where events.intensity is not null and not events.is_repeat

),

-- A chain of follow-ups is as strong as its strongest part and as fresh as its newest.
clusters as (

    select
        commodity_code,
        as_of_date,
        cluster_id,
        max(intensity) * power(
            0.5,
            (as_of_index - max(session_index)) / max(case when strongest = 1 then half_life_sessions end)
        ) as intensity,
        max(case when phase in ('rule', 'enforcement') then 1 else 0 end) as is_implemented
    from visible
    group by commodity_code, as_of_date, as_of_index, cluster_id

),

sums as (

    select
        commodity_code,
        as_of_date,
        round(sum(intensity), 6) as policy_intensity,
        count(*) as policy_cluster_count,
        avg(cast(is_implemented as double)) as implemented_ratio
    from clusters
    group by commodity_code, as_of_date

),

counts as (

    select
        commodity_code,
        as_of_date,
        count(case when is_official then 1 end) as policy_event_count,
        count(case when is_commodity_document then 1 end) as commodity_document_count,
        max(case when newest = 1 then event_id end) as newest_event_id,
        max(case when newest = 1 then event_date end) as newest_event_date,
        max(case when newest = 1 then payload_sha256 end) as newest_payload_sha256,
        max(available_at) as policy_available_at
    from visible
    group by commodity_code, as_of_date

),

decision_times as (

    select
        parameters.commodity_code,
        days.session_index,
        {{ shanghai_time('days.trade_date', 'parameters.decision_time_minutes') }} as decision_time
    from parameters
    cross join days

),

-- The first session whose decision comes after the flash.
slots as (

    select distinct
        commodity_code,
        flash_at,
        min(session_index) over (partition by commodity_code order by flash_at desc) as session_index
    from (
        select
            commodity_code,
            decision_time as flash_at,
            session_index
        from decision_times

        union all

        select
            commodity_code,
            clock_at as flash_at,
            cast(null as bigint) as session_index
        from news
    ) as moments

),

placed_news as (

    select
        news.*,
        slots.session_index
    from news
    inner join slots
        on
            news.commodity_code = slots.commodity_code
            and news.clock_at = slots.flash_at

),

-- The window opens at the decision time of the session so many before: each decision with the sessions in it.
windows as (

    select
        counted.commodity_code,
        counted.as_of_date,
        counted.decision_at,
        counted.session_index - counted.sessions_before as session_index
    from (
        select
            opened.*,
            {{ each_of(numbers('opened.news_window_sessions')) }} as sessions_before
        from (
            select
                decisions.*,
                parameters.news_window_sessions,
                decisions.session_index - parameters.news_window_sessions as opening_session_index
            from decisions
            inner join parameters on decisions.commodity_code = parameters.commodity_code
        ) as opened
        inner join days on opened.opening_session_index = days.session_index
    ) as counted

),

tones as (

    select
        windows.commodity_code,
        windows.as_of_date,
        -- Tones are simple fractions: rounded, and without a sign on zero, their mean does not depend on the order of the flashes.
        round(avg(news.tone), 9) + 0.0 as news_tone,
        count(*) as news_count,
        max(news.available_at) as news_available_at
    from windows
    inner join placed_news as news
        on
            windows.commodity_code = news.commodity_code
            and windows.session_index = news.session_index
            and {{ known_then('news', 'windows.decision_at') }}
    group by windows.commodity_code, windows.as_of_date

),

final as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        decisions.session_index,
        decisions.decision_at,
        sums.policy_intensity,
        counts.policy_event_count,
        counts.commodity_document_count,
        sums.policy_cluster_count,
        sums.implemented_ratio,
        counts.newest_event_id,
        counts.newest_event_date,
        counts.newest_payload_sha256,
        counts.policy_available_at,
        case when sums.policy_intensity is null then 'no_policy_known' end as policy_null_reason,
        tones.news_tone,
        coalesce(tones.news_count, 0) as news_count,
        tones.news_available_at,
        case when tones.news_tone is null then 'no_news_in_window' end as news_null_reason,
        decisions.data_origin
    from decisions
    left join sums
        on
            decisions.commodity_code = sums.commodity_code
            and decisions.as_of_date = sums.as_of_date
    left join counts
        on
            decisions.commodity_code = counts.commodity_code
            and decisions.as_of_date = counts.as_of_date
    left join tones
        on
            decisions.commodity_code = tones.commodity_code
            and decisions.as_of_date = tones.as_of_date

)

select * from final
