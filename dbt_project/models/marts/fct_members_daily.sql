-- The printed lists, member by member. The two lists name different members, so their sums say nothing of the market: a net is known only of a
-- member in both lists of a contract.
with ranking as (

    select * from {{ ref('int_members__ranking') }}
    where is_latest and board in ('long', 'short')

),

quotes as (

    select * from {{ ref('int_contracts__quotes') }}
    where is_latest

),

-- A member goes by the number, where the exchange prints one, else by the name.
paired as (

    select
        *,
        max(whole_reason) over (partition by contract_code, trade_date) as list_reason,
        case
            when count(*) over same_member = 2
                then cast(sum(case when board = 'long' then position_lots else -position_lots end) over same_member as bigint)
        end as net_lots
    from ranking
    window same_member as (partition by contract_code, trade_date, coalesce(participant_id, participant))

),

joined as (

    select
        paired.*,
        100.0 * cast(paired.position_lots as double) / nullif(quotes.open_interest_lots, 0) as open_interest_share_pct,
        greatest(paired.available_at, coalesce(quotes.available_at, paired.available_at)) as known_at
    from paired
    left join quotes
        on
            paired.contract_code = quotes.contract_code
            and paired.trade_date = quotes.trade_date

),

final as (

    select
        commodity_code,
        trade_date,
        contract_code,
        board,
        rank,
        participant_id,
        participant,
        position_lots,
        position_change_lots,
        open_interest_share_pct,
        net_lots as both_lists_net_lots,
        {{ reasons({
            'position_change_lots': {'position_change_lots is null': 'not_printed'},
            'open_interest_share_pct': {'open_interest_share_pct is null': 'no_open_interest'},
            'both_lists_net_lots': {'net_lots is null and list_reason is not null': 'list_incomplete', 'net_lots is null': 'in_one_list_only'},
        }) }} as null_reason,
        known_at as available_at,
        source,
        data_origin,
        payload_sha256
    from joined

)

select * from final
