-- Members carry a rank, sums do not; within one payload no board of an instrument holds a place twice.
select
    payload_sha256,
    instrument,
    board,
    row_kind,
    coalesce(rank, 0) as place,
    count(*) as rows_at_this_place
from {{ ref('stg_shfe__member_ranking') }}
group by payload_sha256, instrument, board, row_kind, coalesce(rank, 0)
having count(*) > 1
