{{ config(materialized='view') }}

-- Places of a board against the sum printed under them.
with ranking as (

    {{ with_available_at(ref('stg_shfe__member_ranking'), keys=['trade_date'], dataset='shfe__member_ranking') }}

),

ranking_sums as (

    select
        'shfe__member_ranking' as table_name,
        trade_date,
        instrument || ' ' || board as subject,
        cast(max(case when row_kind = 'top20_sum' then position_lots end) as double) as expected_value,
        cast(sum(case when row_kind = 'member' then position_lots end) as double) as found_value,
        max(available_at) as available_at,
        payload_sha256
    from ranking
    group by trade_date, instrument, board, payload_sha256

),

final as (

    {{ identities([
        ('members_add_up_to_the_top_20', 'ranking_sums', 'ranks 1 to 20 do not add up to the printed sum'),
    ]) }}

)

select * from final
