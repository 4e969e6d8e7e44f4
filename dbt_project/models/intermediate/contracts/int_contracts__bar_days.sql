-- Whether the bars of a contract and trade date are what they say, as far as the exchange's own day tells: where not, no session, no night
-- return and no price at 11:30 is made of them. In the decided reading only by quotes that had come.
{#- Trading ends at 15:00 (ingest/sources/bars.py). -#}
{%- set day_ends = 15 * 60 %}
with bars as (

    {{ readings(ref('int_contracts__bars')) }}

),

quotes as (

    {{ readings(ref('int_contracts__quotes')) }}

),

added_up as (

    select
        reading,
        commodity_code,
        contract_code,
        trade_date,
        provider,
        bar_length,
        count(*) as bars,
        max(high_cny_t) as bars_high_cny_t,
        min(low_cny_t) as bars_low_cny_t,
        cast(sum(volume_lots) as bigint) as bars_volume_lots,
        max(open_cny_t) as bars_open_cny_t,
        max(case when event_at = {{ shanghai_time('trade_date', day_ends) }} then close_cny_t end) as bars_close_cny_t,
        min(session) as first_session,
        max(decided_by) as decided_by,
        max(available_at) as available_at,
        {{ arg_max('payload_sha256', 'event_at') }} as payload_sha256
    from bars
    group by reading, commodity_code, contract_code, trade_date, provider, bar_length

),

compared as (

    select
        added_up.*,
        {%- for figure in ['open_cny_t', 'high_cny_t', 'low_cny_t', 'close_cny_t', 'volume_lots'] %}
        -- Keys alone in the join: a condition over both of its sides would compare every pair of rows.
        case when {{ had_come('quotes.available_at', 'added_up') }} then quotes.{{ figure }} end as day_{{ figure }},
        {%- endfor %}
        quotes.available_at as quotes_available_at
    from added_up
    left join quotes
        on
            added_up.reading = quotes.reading
            and added_up.contract_code = quotes.contract_code
            and added_up.trade_date = quotes.trade_date

),

ranged as (

    select
        *,
        bars_open_cny_t = day_open_cny_t and bars_high_cny_t = day_high_cny_t and bars_low_cny_t = day_low_cny_t as is_whole_range
    from compared

),

final as (

    select
        *,
        case
            when bars_high_cny_t > day_high_cny_t or bars_low_cny_t < day_low_cny_t then 'outside_the_day'
            when bars_volume_lots > day_volume_lots then 'more_than_the_day'
            -- A single bar stamped with the end of the day is the day itself, unless the exchange's day shows that it is a part of it.
            when bars = 1 and first_session = 'pm' and coalesce(bars_volume_lots >= day_volume_lots or is_whole_range, true) then 'daily_bar'
            -- Prices moved by the distance of a roll can stay inside the day; they do not end where it ended.
            when bars_close_cny_t <> day_close_cny_t then 'not_the_close'
        end as held_reason
    from ranged

)

select * from final
