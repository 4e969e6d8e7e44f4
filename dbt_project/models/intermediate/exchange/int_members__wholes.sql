-- Whether a payload's board of a contract is all there: no row of it was refused, no place is left out, and the printed sum is that of its
-- members. Where not, sums of the board are not known.
with ranking as (

    select * from {{ ref('int_exchange__rankings') }}
    where delivery_month_code is not null

),

{{ refused_parts('of_instrument', ['shfe__member_ranking', 'czce__member_ranking'], ['instrument'], {'row_kind': 'member'}) }},

boards as (

    select
        payload_sha256,
        trade_date,
        instrument,
        product_id,
        delivery_month_code,
        board,
        count(case when row_kind = 'member' then 1 end) as members,
        max(case when row_kind = 'member' then rank end) as last_place,
        cast(sum(case when row_kind = 'member' then position_lots end) as double) as found_lots,
        cast(max(case when row_kind = 'top20_sum' then position_lots end) as double) as printed_lots
    from ranking
    group by payload_sha256, trade_date, instrument, product_id, delivery_month_code, board

),

final as (

    select
        boards.payload_sha256,
        boards.trade_date,
        boards.product_id,
        boards.delivery_month_code,
        boards.board,
        case
            when of_any.payload_sha256 is not null or of_instrument.payload_sha256 is not null then 'part_refused'
            when boards.members <> boards.last_place then 'part_missing'
            when {{ breaks('boards.printed_lots', 'boards.found_lots') }} then 'sum_broken'
        end as whole_reason
    from boards
    left join of_any on boards.payload_sha256 = of_any.payload_sha256
    left join of_instrument
        on
            boards.payload_sha256 = of_instrument.payload_sha256
            and boards.instrument = of_instrument.instrument
    where boards.members > 0

)

select * from final
