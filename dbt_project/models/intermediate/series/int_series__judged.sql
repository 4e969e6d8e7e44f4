-- Which prints of a vendor's series are believed, and from when on. One way through each series in the order in which its prints and what
-- people said of them became known: a print is held against the last accepted one; one that lies too far off is held. It counts from when
-- a later day's print of another file agrees with it, or a person accepts it. A print that is never believed has no available_at.
{%- set step = 'least(each.most_step, each.day_step * sqrt(greatest(1, abs(each.day - {day}))))' %}
-- How far a print may lie from one of another day; with the one before, also what is usual for the series.
{%- set usual = 'least(each.most_step, greatest(each.day_step, each.spread_multiple * coalesce(' ~ middle_of('state.steps') ~ ', 0.0))
    * sqrt(greatest(1, abs(each.day - before.day))))' %}
{%- set agrees = 'one.unit = each.unit and abs(one.place - each.place) <= ' ~ step.replace('{day}', 'one.day') %}
-- Not a figure of the same file, not one that a later print contradicts, and not one that looks like another unit.
{%- set confirms = "one.is_open and one.held_rule = 'jump' and one.day < each.day and one.known_at < each.known_at
    and one.payload_sha256 <> each.payload_sha256 and " ~ agrees %}
-- Whoever accepts a figure also accepts the level of the series.
{%- set vouches = "one.held_id = each.held_id or (one.freed_at is null and one.held_rule in ('jump', 'another_scale') and " ~ agrees ~ ')' %}

with dated as (

    select
        *,
        -- Levels are compared by ratio: twice as much is as far as half as much.
        case when form = 'level' then ln(greatest(value, 0.000000001)) else value end as place,
        case when form = 'level' then ln(1.0 + day_step) else day_step end as day_reach,
        case when form = 'level' then ln(1.0 + most_step) else most_step end as most_reach,
        cast(obs_date - date '2000-01-01' as bigint) as day,
        cast(row_number() over (partition by provider, series_id, held_id order by known_at, payload_sha256) as bigint) as copy
    from {{ ref('int_series__dated') }}

),

-- A figure that is dropped again is judged only once.
figures as (

    select * from dated
    where copy = 1

),

-- Where a figure lies near the one before it, and comes after it, there is nothing to hold.
numbered as (

    select
        *,
        row_number() over so_far as number,
        fault is not null
        or day < lag(day) over so_far
        or unit <> lag(unit) over so_far
        or abs(place - lag(place) over so_far) > least(most_reach, day_reach * sqrt(greatest(1, day - lag(day) over so_far))) as is_far
    from figures
    window so_far as (partition by provider, series_id order by known_at, obs_date, held_id)

),

-- The state with which the walk through a series begins.
restless as (

    select
        provider,
        series_id,
        min(number) as first_far
    from numbered
    where is_far
    group by provider, series_id

),

happened as (

    select
        *,
        known_at as happened_at,
        cast(null as string) as said
    from numbered

    union all

    select
        *,
        reviewed_at as happened_at,
        review as said
    from numbered
    where review is not null

),

lines as (

    select
        happened.provider,
        happened.series_id,
        {{ in_order(
            record({
                'said': 'said', 'held_id': 'held_id', 'fault': 'fault', 'day': 'day', 'place': 'place', 'value': 'value',
                'unit': 'unit', 'known_at': 'happened_at', 'payload_sha256': 'payload_sha256', 'day_step': 'day_reach',
                'most_step': 'most_reach', 'scale_step': 'ln(scale_ratio)', 'spread_multiple': 'spread_multiple',
                'prints_remembered': 'prints_remembered',
            }),
            'happened_at, case when said is null then 0 else 1 end, day, held_id'
        ) }} as prints
    from happened
    inner join restless
        on
            happened.provider = restless.provider
            and happened.series_id = restless.series_id
            and happened.number >= restless.first_far - happened.prints_remembered - 1
    group by happened.provider, happened.series_id

),

{%- set printed_now = record({'day': 'each.day', 'place': 'each.place', 'value': 'each.value', 'unit': 'each.unit'}) %}

judged as (

    select
        lines.provider,
        lines.series_id,
        {{ fold(
            'prints',
            record({
                'accepted': empty_list(record({
                    'day': 'cast(null as bigint)', 'place': 'cast(null as double)', 'value': 'cast(null as double)', 'unit': 'cast(null as string)',
                })),
                'steps': empty_list('cast(null as double)'),
                'held': empty_list(held_print({
                    'held_id': 'cast(null as string)', 'held_rule': 'cast(null as string)',
                    'day': 'cast(null as bigint)', 'place': 'cast(null as double)', 'unit': 'cast(null as string)',
                    'known_at': no_moment(), 'payload_sha256': 'cast(null as string)',
                    'day_before': 'cast(null as bigint)', 'value_before': 'cast(null as double)', 'is_open': 'cast(null as boolean)',
                    'freed_at': no_moment(), 'freed_by': 'cast(null as string)',
                })),
            }),
            let(
                'before',
                'coalesce(' ~ first_where('state.accepted', 'one', 'one.day <= each.day') ~ ', ' ~ first_where('state.accepted', 'one', 'true') ~ ')',
                let(
                    'found',
                    record({
                        'held_rule': "case
                            when each.said is not null then each.said
                            when each.fault is not null then each.fault
                            when before.unit <> each.unit then 'unit_changed'
                            when abs(each.place - before.place) <= " ~ usual ~ " then null
                            when abs(each.place - before.place) >= each.scale_step then 'another_scale'
                            when abs(each.place - before.place) > " ~ usual ~ " then 'jump'
                        end",
                        'confirmed': those_where('state.held', 'one', confirms),
                    }),
                    record({
                        'accepted': "case
                            when each.said = 'accept' or found.held_rule is null or (found.held_rule = 'jump' and " ~ size_of('found.confirmed') ~ ' > 0)
                                then ' ~ put_first('state.accepted', printed_now, 'each.prints_remembered') ~ '
                            else state.accepted
                        end',
                        'steps': 'case
                            when each.said is null and found.held_rule is null and before.day <> each.day
                                then ' ~ put_first('state.steps', 'abs(each.place - before.place) / sqrt(abs(each.day - before.day))', 'each.prints_remembered') ~ '
                            else state.steps
                        end',
                        'held': "case
                            when each.said = 'accept' then " ~ each_as('state.held', 'one', 'case when ' ~ vouches ~ ' then '
                                ~ held_print({'is_open': 'false', 'freed_at': 'coalesce(one.freed_at, each.known_at)', 'freed_by': "coalesce(one.freed_by, 'review')"}) ~ ' else one end') ~ "
                            when each.said = 'reject' then " ~ each_as('state.held', 'one', 'case when one.held_id = each.held_id then ' ~ held_print({'is_open': 'false'}) ~ ' else one end') ~ "
                            when found.held_rule is null or (found.held_rule = 'jump' and " ~ size_of('found.confirmed') ~ ' > 0)
                                then ' ~ each_as('state.held', 'one', 'case
                                    when ' ~ confirms ~ ' then ' ~ held_print({'is_open': 'false', 'freed_at': 'each.known_at', 'freed_by': 'each.payload_sha256'}) ~ '
                                    when one.is_open and one.day <= each.day then ' ~ held_print({'is_open': 'false'}) ~ '
                                    else one
                                end') ~ '
                            else array_append(state.held, ' ~ held_print({
                                'held_id': 'each.held_id', 'held_rule': 'found.held_rule', 'day': 'each.day', 'place': 'each.place',
                                'unit': 'each.unit', 'known_at': 'each.known_at', 'payload_sha256': 'each.payload_sha256', 'day_before': 'before.day',
                                'value_before': 'before.value', 'is_open': 'true', 'freed_at': no_moment(),
                                'freed_by': 'cast(null as string)',
                            }) ~ ')
                        end',
                    })
                )
            )
        ) }} as way
    from lines

),

held as (

    select
        listed.provider,
        listed.series_id,
        listed.one.held_id,
        listed.one.held_rule,
        listed.one.day_before,
        listed.one.value_before,
        listed.one.freed_at,
        listed.one.freed_by
    from (
        select
            judged.provider,
            judged.series_id,
            {{ each_of('judged.way.held') }} as one
        from judged
    ) as listed

),

final as (

    select
        dated.*,
        held.held_rule,
        held.value_before,
        {{ add_days("date '2000-01-01'", 'held.day_before') }} as date_before,
        held.freed_at,
        held.freed_by,
        case
            when held.held_rule is null then dated.known_at
            when held.freed_at is not null then greatest(dated.known_at, held.freed_at)
        end as available_at
    from dated
    left join held
        on
            dated.provider = held.provider
            and dated.series_id = held.series_id
            and dated.held_id = held.held_id

)

select * from final
