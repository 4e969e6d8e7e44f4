{{ config(materialized='view') }}

-- Places of a board against the sum printed under them.
with ranking as (

    select * from {{ ref('int_exchange__rankings') }}

),

sums as (

    select
        dataset,
        trade_date,
        instrument || ' ' || board as subject,
        cast(max(case when row_kind = 'top20_sum' then position_lots end) as double) as expected_value,
        cast(sum(case when row_kind = 'member' then position_lots end) as double) as found_value,
        payload_sha256,
        fetched_at,
        published_at
    from ranking
    group by dataset, trade_date, instrument, board, payload_sha256, fetched_at, published_at

),

timed as (

    {{ with_available_at('sums', keys=['dataset', 'trade_date']) }}

),

ranking_sums as (

    select
        dataset as table_name,
        trade_date,
        subject,
        expected_value,
        found_value,
        available_at,
        payload_sha256
    from timed

),

final as (

    {{ identities([
        ('members_add_up_to_the_top_20', 'ranking_sums', 'ranks 1 to 20 do not add up to the printed sum'),
    ]) }}

)

select * from final
