-- Who may have moved the price: price and open interest together, on one contract. Net-inferred: open interest cannot tell who opened.
-- `session` is a part of the trade date where bars are held, and day for all of it.
with daily as (

    select * from {{ ref('int_futures__daily') }}

),

sessions as (

    select * from {{ ref('int_futures__session') }}

),

ranking as (

    {{ readings(ref('int_members__ranking')) }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

specs as (

    select * from {{ ref('int_commodities__specs') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

days as (

    select * from {{ ref('int_calendar__sessions') }}

),

-- Of history as it was lived, a ranking that came after the day's decision is not seen.
known_ranking as (

    select *
    from ranking
    where reading = 'latest' or available_at <= decided_by

),

ranked_days as (

    select distinct
        known_ranking.reading,
        commodities.exchange,
        known_ranking.trade_date
    from known_ranking
    inner join commodities on known_ranking.commodity_code = commodities.commodity_code

),

members as (

    select
        reading,
        contract_code,
        trade_date,
        'day' as session,
        cast(sum(case when board = 'long' then position_lots end) as bigint) as top20_long_lots,
        cast(sum(case when board = 'short' then position_lots end) as bigint) as top20_short_lots,
        cast(sum(case when board = 'short' then position_change_lots end) as bigint) as top20_short_change_lots,
        cast(sum(case when board = 'long' and rank <= 5 then position_lots end) as bigint) as top5_long_lots,
        cast(sum(case when board = 'short' and rank <= 5 then position_lots end) as bigint) as top5_short_lots,
        max(available_at) as available_at
    from known_ranking
    group by reading, contract_code, trade_date

),

moves as (

    select
        reading,
        commodity_code,
        trade_date,
        contract_code,
        'day' as session,
        is_dominant,
        ret_cc_1d_pct as price_change_pct,
        close_cny_t as price_cny_t,
        open_interest_lots - open_interest_change_lots as open_interest_start_lots,
        open_interest_lots as open_interest_end_lots,
        volume_lots as moved_volume_lots,
        case
            when close_cny_t is null then 'not_traded'
            when ret_cc_1d_pct is null then 'session_before_not_held'
            when open_interest_lots is null or open_interest_change_lots is null then 'no_open_interest'
        end as move_reason,
        spec_margin_ratio,
        margin_source,
        greatest(available_at, limits_available_at) as available_at,
        data_origin,
        payload_sha256
    from daily

    union all

    select
        sessions.reading,
        sessions.commodity_code,
        sessions.trade_date,
        sessions.contract_code,
        sessions.session,
        daily.is_dominant,
        sessions.price_change_pct,
        sessions.session_last_cny_t as price_cny_t,
        sessions.open_interest_start_lots,
        sessions.open_interest_end_lots,
        sessions.session_volume_lots as moved_volume_lots,
        sessions.null_reason as move_reason,
        daily.spec_margin_ratio,
        daily.margin_source,
        greatest(sessions.available_at, daily.limits_available_at) as available_at,
        sessions.data_origin,
        sessions.payload_sha256
    from sessions
    left join daily
        on
            sessions.reading = daily.reading
            and sessions.contract_code = daily.contract_code
            and sessions.trade_date = daily.trade_date

),

measured as (

    select
        moves.*,
        moves.open_interest_end_lots - moves.open_interest_start_lots as open_interest_moved_lots,
        100.0 * (moves.open_interest_end_lots - moves.open_interest_start_lots)
        / nullif(moves.open_interest_start_lots, 0) as open_interest_change_pct,
        moves.moved_volume_lots / nullif(cast(moves.open_interest_end_lots as double), 0.0) as turnover_ratio,
        days.session_index,
        commodities.exchange,
        specs.contract_size_t,
        parameters.quadrant_price_dead_band_pct,
        parameters.quadrant_open_interest_dead_band_pct,
        parameters.speculative_turnover_ratio,
        parameters.percentile_window_sessions,
        parameters.percentile_minimum_sessions
    from moves
    inner join days on moves.trade_date = days.trade_date
    inner join commodities on moves.commodity_code = commodities.commodity_code
    inner join parameters on moves.commodity_code = parameters.commodity_code
    inner join specs
        on
            moves.commodity_code = specs.commodity_code
            and moves.trade_date >= specs.valid_from
            and (specs.superseded_from is null or moves.trade_date < specs.superseded_from)

),

-- A contract's first day has no open interest to compare with: all of it is new.
placed as (

    select
        *,
        case
            when move_reason is not null then null
            when
                abs(price_change_pct) < quadrant_price_dead_band_pct
                or abs(coalesce(open_interest_change_pct, 100.0)) < quadrant_open_interest_dead_band_pct
                then 'flat'
            when price_change_pct > 0 and open_interest_moved_lots > 0 then 'long_build'
            when price_change_pct > 0 then 'short_covering'
            when open_interest_moved_lots > 0 then 'short_build'
            else 'long_liquidation'
        end as quadrant,
        sign(price_change_pct) as direction
    from measured

),

held as (

    select
        placed.*,
        members.top20_long_lots,
        members.top20_short_lots,
        members.top20_long_lots - members.top20_short_lots as top20_net_lots,
        100.0 * (members.top20_long_lots - members.top20_short_lots)
        / nullif(placed.open_interest_end_lots, 0) as top20_net_pct,
        members.top20_short_change_lots,
        100.0 * members.top5_long_lots / nullif(placed.open_interest_end_lots, 0) as cr5_long_pct,
        100.0 * members.top5_short_lots / nullif(placed.open_interest_end_lots, 0) as cr5_short_pct,
        members.available_at as members_available_at,
        case
            when placed.session <> 'day' then 'members:whole_day_only'
            when ranked_days.trade_date is null then 'members:no_ranking'
            when members.contract_code is null then 'members:not_listed'
        end as members_reason
    from placed
    left join ranked_days
        on
            placed.reading = ranked_days.reading
            and placed.exchange = ranked_days.exchange
            and placed.trade_date = ranked_days.trade_date
    left join members
        on
            placed.reading = members.reading
            and placed.contract_code = members.contract_code
            and placed.trade_date = members.trade_date
            and placed.session = members.session

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
        -- Longs that open and shorts that close buy, the other two sell: the sign is the quadrant's, the size that of the change.
        case when compared.quadrant = 'flat' then 0.0 else compared.direction end
        * abs(compared.open_interest_moved_lots) * compared.price_cny_t * compared.contract_size_t * compared.spec_margin_ratio
            as capital_flow_cny,
        case when compared.quadrant = 'flat' then 0.0 else compared.direction end
        * abs(compared.open_interest_moved_lots)
        / nullif(cast(compared.open_interest_start_lots as double), 0.0) as capital_flow_ratio,
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
        nullif(concat_ws(
            ';',
            'quadrant:' || compared.move_reason,
            case
                when compared.open_interest_start_lots = 0 and compared.open_interest_end_lots is not null
                    then 'open_interest_change_pct:no_open_interest_before'
            end,
            case when coalesce(compared.open_interest_end_lots, 0) = 0 then 'turnover_ratio:no_open_interest' end,
            case when compared.spec_margin_ratio is null then 'capital_flow_cny:no_margin' end,
            compared.members_reason,
            case
                when compared.members_reason is null and compared.net_long_change_5d_lots is null
                    then 'net_long_change_5d_lots:no_ranking_5_sessions_before'
            end,
            case
                when compared.members_reason is not null then null
                when not coalesce(compared.is_dominant, false) then 'net_index_250d:not_dominant'
                when compared.top20_net_pct is null then 'net_index_250d:no_open_interest'
                when extremes.observations < compared.percentile_minimum_sessions then 'net_index_250d:too_few_sessions'
                when extremes.highest_pct = extremes.lowest_pct then 'net_index_250d:no_range'
            end
        ), '') as null_reason,
        case
            when compared.members_available_at > compared.available_at then compared.members_available_at
            else compared.available_at
        end as available_at,
        compared.data_origin,
        compared.payload_sha256
    from compared
    left join extremes
        on
            compared.reading = extremes.reading
            and compared.contract_code = extremes.contract_code
            and compared.trade_date = extremes.trade_date
            and compared.session = extremes.session

)

select * from final
