{{ config(materialized='view') }}

-- The dollars a tonne of a month's trade costs, against the bounds of its code.
with payloads as (

    select * from {{ ref('int_customs__payloads') }}
    where not is_believed and partner_code = 'all'

),

absurd_prices as (

    select
        'customs__monthly_trade' as table_name,
        month as trade_date,
        hs_code || ' ' || flow || ' ' || reporter as subject,
        case when whole_usd_t < lowest_usd_t then lowest_usd_t else highest_usd_t end as expected_value,
        whole_usd_t as found_value,
        greatest(clock_at, fetched_at) as available_at,
        payload_sha256
    from payloads

),

final as (

    {{ identities([
        ('a_tonne_of_trade_has_a_price', 'absurd_prices', 'the value of the month divided by its weight is no price of this good: one of them is in another unit; the figures of the month are in no mart'),
    ]) }}

)

select * from final
