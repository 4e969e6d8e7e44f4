-- How price and open interest moved together, and the quadrant that names it. Net-inferred: open interest cannot tell who opened.
-- `session` is a part of the trade date where bars are held, and day for all of it.
with daily as (

    select * from {{ ref('int_futures__daily') }}

),

sessions as (

    select * from {{ ref('int_futures__session') }}

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

moves as (

    select
        reading,
        commodity_code,
        trade_date,
        contract_code,
        'day' as session,
        is_dominant,
        ret_cc_1d_pct as price_change_pct,
        settle_cny_t,
        pre_settle_cny_t,
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
        greatest(known_at, limits_available_at) as available_at,
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
        cast(null as double) as settle_cny_t,
        cast(null as double) as pre_settle_cny_t,
        sessions.open_interest_start_lots,
        sessions.open_interest_end_lots,
        sessions.session_volume_lots as moved_volume_lots,
        sessions.null_reason as move_reason,
        daily.spec_margin_ratio,
        daily.margin_source,
        greatest(sessions.available_at, daily.available_at, daily.limits_available_at) as available_at,
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
        100.0 * cast(moves.open_interest_end_lots - moves.open_interest_start_lots as double)
        / nullif(moves.open_interest_start_lots, 0) as open_interest_change_pct,
        moves.moved_volume_lots / nullif(cast(moves.open_interest_end_lots as double), 0.0) as turnover_ratio,
        days.session_index,
        commodities.exchange,
        specs.contract_size_t,
        parameters.quadrant_price_dead_band_pct,
        parameters.quadrant_open_interest_dead_band_pct,
        parameters.speculative_turnover_ratio,
        parameters.capital_flow_sides,
        parameters.percentile_window_sessions,
        parameters.percentile_minimum_sessions
    from moves
    inner join days on moves.trade_date = days.trade_date
    inner join commodities on moves.commodity_code = commodities.commodity_code
    inner join parameters on moves.commodity_code = parameters.commodity_code
    inner join specs
        on
            moves.commodity_code = specs.commodity_code
            and {{ in_force('specs', 'moves.trade_date') }}

),

-- A contract's first day has no open interest to compare with: all of it is new.
final as (

    select
        *,
        case
            when move_reason is not null then null
            when
                abs(price_change_pct) < quadrant_price_dead_band_pct
                or abs(coalesce(open_interest_change_pct, 100.0)) < quadrant_open_interest_dead_band_pct
                or open_interest_moved_lots = 0
                then 'flat'
            when price_change_pct > 0 and open_interest_moved_lots > 0 then 'long_build'
            when price_change_pct > 0 then 'short_covering'
            when open_interest_moved_lots > 0 then 'short_build'
            else 'long_liquidation'
        end as quadrant,
        cast(sign(price_change_pct) as bigint) as direction
    from measured

)

select * from final
