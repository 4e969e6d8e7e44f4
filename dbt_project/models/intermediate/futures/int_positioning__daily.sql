-- Who may have moved the price: price and open interest together on one contract, beside what the largest members hold.
with moves as (

    select * from {{ ref('int_positioning__moves') }}

),

members as (

    select * from {{ ref('int_positioning__members') }}

),

-- A contract without listed members differs from a day without a ranking.
ranked_days as (

    select distinct
        reading,
        exchange,
        trade_date
    from members

),

held as (

    select
        moves.*,
        members.top20_long_lots,
        members.top20_short_lots,
        members.top20_long_lots - members.top20_short_lots as top20_net_lots,
        100.0 * cast(members.top20_long_lots - members.top20_short_lots as double)
        / nullif(moves.open_interest_end_lots, 0) as top20_net_pct,
        members.top20_short_change_lots,
        100.0 * cast(members.top5_long_lots as double) / nullif(moves.open_interest_end_lots, 0) as cr5_long_pct,
        100.0 * cast(members.top5_short_lots as double) / nullif(moves.open_interest_end_lots, 0) as cr5_short_pct,
        members.members_reason,
        members.available_at as members_available_at,
        ranked_days.trade_date is not null as has_ranking,
        members.contract_code is not null as is_listed
    from moves
    left join ranked_days
        on
            moves.reading = ranked_days.reading
            and moves.exchange = ranked_days.exchange
            and moves.trade_date = ranked_days.trade_date
    left join members
        on
            moves.reading = members.reading
            and moves.contract_code = members.contract_code
            and moves.trade_date = members.trade_date
            and moves.session = members.session

),

compared as (

    select
        *,
        case
            when lag(session_index, 5) over contract_days = session_index - 5
                then top20_net_lots - lag(top20_net_lots, 5) over contract_days
        end as net_long_change_5d_lots
    from held
    window contract_days as (partition by reading, contract_code, session order by trade_date)

),

-- Money tied up in a contract at its settlements, with the margin of the day on both of them: a step of the margin is no flow, and what the price
-- did to the positions that stayed is one.
flows as (

    select
        *,
        capital_flow_sides * contract_size_t * spec_margin_ratio
        * case when open_interest_start_lots = 0 then 0.0 else open_interest_start_lots * pre_settle_cny_t end as capital_start_cny,
        capital_flow_sides * contract_size_t * spec_margin_ratio
        * (
            open_interest_end_lots * settle_cny_t
            - case when open_interest_start_lots = 0 then 0.0 else open_interest_start_lots * pre_settle_cny_t end
        ) as capital_flow_cny
    from compared

),

-- Where the dominant contract's net stands between the extremes of the window, itself included.
extremes as (

    select
        {%- for measure, name in [('count', 'observations'), ('min', 'lowest_pct'), ('max', 'highest_pct')] %}
        {{ within(measure, 'top20_net_pct', 'reading, commodity_code', 'session_index', 'percentile_window_sessions') }} as {{ name }},
        {%- endfor %}
        reading,
        contract_code,
        trade_date,
        session
    from compared
    where session = 'day' and is_dominant and top20_net_pct is not null

),

final as (

    select
        compared.reading,
        compared.commodity_code,
        compared.trade_date,
        compared.contract_code,
        compared.session,
        compared.is_dominant,
        compared.price_change_pct,
        compared.open_interest_moved_lots,
        compared.open_interest_change_pct,
        compared.quadrant,
        compared.turnover_ratio,
        compared.turnover_ratio > compared.speculative_turnover_ratio as is_speculative,
        compared.direction * compared.turnover_ratio as signed_turnover_ratio,
        compared.capital_flow_cny,
        compared.capital_flow_cny / nullif(compared.capital_start_cny, 0.0) as capital_flow_ratio,
        case
            when count(compared.capital_flow_cny) over all_contracts = count(*) over all_contracts
                then cast(sum(cast(compared.capital_flow_cny as decimal(24, 4))) over all_contracts as double)
        end as capital_flow_all_cny,
        -- Longs that open and shorts that close buy, the other two sell: the sign is the quadrant's, the size that of the change.
        case when compared.quadrant = 'flat' then 0.0 else compared.direction end
        * abs(compared.open_interest_moved_lots)
        / nullif(cast(compared.open_interest_start_lots as double), 0.0) as position_pressure_ratio,
        compared.spec_margin_ratio,
        compared.margin_source,
        compared.top20_long_lots,
        compared.top20_short_lots,
        compared.top20_net_lots,
        compared.top20_net_pct,
        compared.top20_short_change_lots,
        compared.net_long_change_5d_lots,
        compared.cr5_long_pct,
        compared.cr5_short_pct,
        case
            when extremes.observations >= compared.percentile_minimum_sessions
                then
                    100.0 * (compared.top20_net_pct - extremes.lowest_pct)
                    / nullif(extremes.highest_pct - extremes.lowest_pct, 0.0)
        end as net_index_250d,
        {{ reasons(
            {
                'open_interest_change_pct': {
                    'compared.open_interest_start_lots = 0 and compared.open_interest_end_lots is not null': 'no_open_interest_before',
                },
                'turnover_ratio': {'coalesce(compared.open_interest_end_lots, 0) = 0': 'no_open_interest'},
                'capital_flow_cny': {
                    "compared.session <> 'day'": 'whole_day_only', 'compared.spec_margin_ratio is null': 'no_margin',
                    'compared.open_interest_start_lots is null or compared.open_interest_end_lots is null': 'no_open_interest',
                    'compared.capital_flow_cny is null': 'no_settlement',
                },
                'capital_flow_ratio': {'compared.capital_start_cny = 0.0': 'no_open_interest_before'},
                'capital_flow_all_cny': {
                    "compared.session <> 'day'": 'whole_day_only',
                    'count(compared.capital_flow_cny) over all_contracts < count(*) over all_contracts': 'contract_unknown',
                },
                'members': {
                    "compared.session <> 'day'": 'whole_day_only', 'not compared.has_ranking': 'no_ranking', 'not compared.is_listed': 'not_listed',
                },
                'net_long_change_5d_lots': {
                    'compared.members_reason is not null': 'members_unknown',
                    'compared.is_listed and compared.net_long_change_5d_lots is null': 'no_ranking_5_sessions_before',
                },
                'net_index_250d': {
                    'compared.members_reason is not null': 'members_unknown',
                    'compared.is_listed and not coalesce(compared.is_dominant, false)': 'not_dominant',
                    'compared.is_listed and compared.top20_net_pct is null': 'no_open_interest',
                    'compared.is_listed and extremes.observations < compared.percentile_minimum_sessions': 'too_few_sessions',
                    'compared.is_listed and extremes.highest_pct = extremes.lowest_pct': 'no_range',
                },
            },
            also=["'quadrant:' || compared.move_reason", "'members:' || compared.members_reason"],
        ) }} as null_reason,
        -- The flow of all contracts is known when the last of them is known.
        case
            when compared.members_available_at > max(compared.available_at) over all_contracts then compared.members_available_at
            else max(compared.available_at) over all_contracts
        end as available_at,
        compared.data_origin,
        compared.payload_sha256
    from flows as compared
    left join extremes
        on
            compared.reading = extremes.reading
            and compared.contract_code = extremes.contract_code
            and compared.trade_date = extremes.trade_date
            and compared.session = extremes.session
    window all_contracts as (partition by compared.reading, compared.commodity_code, compared.trade_date, compared.session)

)

select * from final
