{{ config(materialized='view') }}

-- Places of a board against the sum printed under them.
with ranking as (

    select * from {{ ref('stg_shfe__member_ranking') }}

),

sums as (

    select
        trade_date,
        instrument || ' ' || board as subject,
        cast(max(case when row_kind = 'top20_sum' then position_lots end) as double) as expected_value,
        cast(sum(case when row_kind = 'member' then position_lots end) as double) as found_value,
        payload_sha256,
        fetched_at,
        published_at
    from ranking
    group by trade_date, instrument, board, payload_sha256, fetched_at, published_at

),

timed as (

    {{ with_available_at('sums', keys=['trade_date'], dataset='shfe__member_ranking') }}

),

ranking_sums as (

    select
        'shfe__member_ranking' as table_name,
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
