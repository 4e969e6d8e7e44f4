{{ config(materialized='view') }}

-- Prices against the bounds of their day.
with futures as (

    select * from {{ ref('int_futures__daily') }}
    where reading = 'latest'

),

sessions as (

    select * from {{ ref('int_futures__session') }}
    where reading = 'latest'

),

-- A price beyond the limit is impossible on the exchange: the limit we hold for the day is stale.
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
session_prices as (

    {%- for price, day_price, beyond in [('session_high_cny_t', 'high_cny_t', '>'), ('session_low_cny_t', 'low_cny_t', '<')] %}
    select
        'fct_futures_session' as table_name,
        sessions.trade_date,
        sessions.contract_code || ' ' || sessions.session || ' {{ price }}' as subject,
        futures.{{ day_price }} as expected_value,
        sessions.{{ price }} as found_value,
        greatest(sessions.available_at, futures.available_at) as available_at,
        sessions.payload_sha256
    from sessions
    inner join futures
        on
            sessions.contract_code = futures.contract_code
            and sessions.trade_date = futures.trade_date
    where sessions.{{ price }} {{ beyond }} futures.{{ day_price }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

final as (

    {{ identities([
        ('prices_stay_inside_the_limits', 'stale_limits', 'a price lies beyond the limit: stale limit row'),
        ('sessions_lie_inside_the_day', 'session_prices', 'a bar trades outside the high and low of the exchange'),
    ]) }}

)

select * from final
