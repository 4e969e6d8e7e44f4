{{ config(materialized='view') }}

-- Prices against the bounds of their day.
with futures as (

    select * from {{ ref('int_futures__daily') }}
    where reading = 'latest'

),

held as (

    select * from {{ ref('int_contracts__bar_days') }}
    where reading = 'latest' and held_reason is not null

),

-- The exchange allows no price beyond the limit, so the limit held for the day must be out of date.
stale_limits as (

    {%- for price, limit, beyond in [('high_cny_t', 'limit_up_cny_t', '>'), ('low_cny_t', 'limit_down_cny_t', '<')] %}
    select
        'int_futures__daily' as table_name,
        trade_date,
        contract_code || ' {{ price }}' as subject,
        {{ limit }} as expected_value,
        {{ price }} as found_value,
        available_at,
        payload_sha256
    from futures
    where {{ price }} {{ beyond }} {{ limit }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

-- Bars of a vendor against the exchange's own day.
{%- set checks = [
    ('outside_high', 'day_high_cny_t', 'bars_high_cny_t', 'bars_high_cny_t > day_high_cny_t'),
    ('outside_low', 'day_low_cny_t', 'bars_low_cny_t', 'bars_low_cny_t < day_low_cny_t'),
    ('more_than_the_day', 'day_volume_lots', 'bars_volume_lots', "held_reason = 'more_than_the_day'"),
    ('not_the_close', 'day_close_cny_t', 'bars_close_cny_t', "held_reason = 'not_the_close'"),
    ('daily_bar', '0', 'bars', "held_reason = 'daily_bar'"),
] %}
{%- for name, expected, found, condition in checks %}
{{ name }} as (

    select
        'bars__prices' as table_name,
        trade_date,
        contract_code || ' ' || provider || ' ' || bar_length || ' {{ found }}' as subject,
        cast({{ expected }} as double) as expected_value,
        cast({{ found }} as double) as found_value,
        greatest(available_at, coalesce(quotes_available_at, available_at)) as available_at,
        payload_sha256
    from held
    where {{ condition }}

),
{% endfor %}
final as (

    {%- set not_used = '; no session, night return or price at 11:30 is made of the bars of that day' %}
    {{ identities([
        ('prices_stay_inside_the_limits', 'stale_limits', 'a price lies beyond the limit: stale limit row'),
        ('sessions_lie_inside_the_day', 'outside_high', 'a bar trades above the high of the exchange' ~ not_used),
        ('sessions_lie_inside_the_day', 'outside_low', 'a bar trades below the low of the exchange' ~ not_used),
        ('bars_trade_no_more_than_the_day', 'more_than_the_day', 'the bars trade more than the exchange did' ~ not_used),
        ('bars_end_at_the_close', 'not_the_close', 'the bar of 15:00 does not end at the close of the exchange: an adjusted series' ~ not_used),
        ('bars_are_shorter_than_the_day', 'daily_bar', 'one bar stamped 15:00 holds the whole day' ~ not_used),
    ]) }}

)

select * from final
