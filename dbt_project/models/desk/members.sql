-- One row a member: its place in the long list and in the short one beside each other. No sum over members is the market's net.
with lists as (

    select
        *,
        coalesce(nullif(participant, ''), participant_id) as member
    from {{ ref('fct_members_daily') }}

),

final as (

    select
        commodity_code,
        trade_date,
        contract_code,
        member as participant,
        max(case when board = 'long' then rank end) as long_rank,
        max(case when board = 'long' then position_lots end) as long_lots,
        max(case when board = 'long' then position_change_lots end) as long_change_lots,
        max(case when board = 'short' then rank end) as short_rank,
        max(case when board = 'short' then position_lots end) as short_lots,
        max(case when board = 'short' then position_change_lots end) as short_change_lots,
        max(both_lists_net_lots) as both_lists_net_lots,
        case when max(case when board = 'long' then position_lots end) is null then 'in_short_list_only' end as null_reason,
        nullif(
            concat_ws(
                ';',
                case when max(case when board = 'short' then position_lots end) is null then 'short_lots:in_long_list_only' end,
                'both_lists_net_lots:' || max({{ reason_of('null_reason', 'both_lists_net_lots') }})
            ),
            ''
        ) as other_null_reason,
        max(available_at) as available_at,
        max(data_origin) as data_origin
    from lists
    where member is not null
    group by commodity_code, trade_date, contract_code, member

)

select * from final
