-- The curve of each session from its liquid, freely traded legs.
with daily as (

    select * from {{ ref('int_futures__daily') }}

),

dominant as (

    select * from {{ ref('int_contracts__dominant') }}

),

days as (

    select * from {{ ref('int_calendar__sessions') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

weighed as (

    select
        daily.reading,
        daily.commodity_code,
        daily.trade_date,
        daily.contract_code,
        daily.delivery_month,
        daily.close_cny_t,
        12 * extract(year from daily.delivery_month) + extract(month from daily.delivery_month) as month_number,
        daily.contract_code = dominant.contract_code as is_dominant_leg,
        daily.contract_code = dominant.sub_dominant_contract as is_sub_dominant_leg,
        case
            when daily.close_cny_t is null then 'not_traded'
            when daily.trade_date >= daily.delivery_month then 'expiring'
            when daily.is_limit_locked then 'limit_locked'
            when
                daily.open_interest_lots
                < parameters.liquid_open_interest_share
                * sum(daily.open_interest_lots) over (partition by daily.reading, daily.commodity_code, daily.trade_date)
                then 'thin'
        end as leg_reason,
        daily.available_at,
        daily.data_origin,
        daily.payload_sha256
    from daily
    inner join parameters on daily.commodity_code = parameters.commodity_code
    left join dominant
        on
            daily.commodity_code = dominant.commodity_code
            and daily.trade_date = dominant.trade_date

),

adjacent as (

    select
        *,
        lag(close_cny_t) over curve as near_close_cny_t,
        row_number() over curve as leg_number,
        row_number() over (
            partition by reading, commodity_code, trade_date
            order by delivery_month desc
        ) as leg_number_from_far
    from weighed
    where leg_reason is null
    window curve as (partition by reading, commodity_code, trade_date order by delivery_month)

),

curves as (

    select
        reading,
        commodity_code,
        trade_date,
        count(near_close_cny_t) as pairs,
        sum(case when near_close_cny_t > close_cny_t then 1 else 0 end) as falling_pairs,
        sum(case when near_close_cny_t < close_cny_t then 1 else 0 end) as rising_pairs,
        max(case when leg_number = 1 then contract_code end) as nearest_contract,
        max(case when leg_number = 1 then close_cny_t end) as nearest_cny_t,
        max(case when leg_number = 1 then month_number end) as nearest_month,
        max(case when leg_number_from_far = 1 then contract_code end) as farthest_contract,
        max(case when leg_number_from_far = 1 then close_cny_t end) as farthest_cny_t,
        max(case when leg_number_from_far = 1 then month_number end) as farthest_month
    from adjacent
    group by reading, commodity_code, trade_date

),

sessions as (

    select
        reading,
        commodity_code,
        trade_date,
        max(case when is_dominant_leg then contract_code end) as dominant_contract,
        max(case when is_dominant_leg then close_cny_t end) as dominant_cny_t,
        max(case when is_dominant_leg then month_number end) as dominant_month,
        max(case when is_dominant_leg then leg_reason end) as dominant_reason,
        max(case when is_sub_dominant_leg then contract_code end) as sub_dominant_contract,
        max(case when is_sub_dominant_leg then close_cny_t end) as sub_dominant_cny_t,
        max(case when is_sub_dominant_leg then month_number end) as sub_dominant_month,
        max(case when is_sub_dominant_leg then leg_reason end) as sub_dominant_reason,
        {{ joined("contract_code || ':' || leg_reason", 'delivery_month') }} as excluded_legs,
        max(available_at) as available_at,
        max(data_origin) as data_origin,
        max(payload_sha256) as payload_sha256
    from weighed
    group by reading, commodity_code, trade_date

),

sloped as (

    select
        sessions.*,
        days.session_index,
        curves.nearest_contract,
        curves.nearest_cny_t,
        curves.farthest_contract,
        coalesce(curves.pairs, 0) as pairs,
        case
            when coalesce(curves.pairs, 0) = 0 then null
            when curves.falling_pairs = curves.pairs then 'backwardation'
            when curves.rising_pairs = curves.pairs then 'contango'
            else 'mixed'
        end as shape,
        case
            when sessions.dominant_reason is null and sessions.sub_dominant_reason is null
                then
                    100.0 * ln(sessions.sub_dominant_cny_t / sessions.dominant_cny_t)
                    / (sessions.sub_dominant_month - sessions.dominant_month)
        end as slope_pct_month,
        case
            when sessions.dominant_reason is null and sessions.sub_dominant_reason is null
                then (sessions.dominant_cny_t - sessions.sub_dominant_cny_t) / (sessions.sub_dominant_month - sessions.dominant_month)
        end as roll_yield_cny_t_month,
        case
            when curves.pairs > 0
                then 100.0 * ln(curves.farthest_cny_t / curves.nearest_cny_t) / (curves.farthest_month - curves.nearest_month)
        end as curve_slope_pct_month
    from sessions
    inner join days on sessions.trade_date = days.trade_date
    left join curves
        on
            sessions.reading = curves.reading
            and sessions.commodity_code = curves.commodity_code
            and sessions.trade_date = curves.trade_date

),

-- A run ends where the sign changes and where a session or its slope is missing.
runs as (

    select
        *,
        sum(is_new_run) over (partition by reading, commodity_code order by trade_date) as run_number
    from (
        select
            *,
            case
                when
                    sign(slope_pct_month) = lag(sign(slope_pct_month)) over chain
                    and lag(session_index) over chain = session_index - 1
                    then 0
                else 1
            end as is_new_run,
            lag(available_at) over chain as before_available_at
        from sloped
        window chain as (partition by reading, commodity_code order by trade_date)
    ) as marked

),

counted as (

    select
        *,
        case
            when slope_pct_month is not null
                then cast(row_number() over run as bigint)
        end as days_same_sign,
        -- A run is known when all its sessions are, and also the session that ended it.
        case when reading = 'latest' then max(greatest(available_at, before_available_at)) over run else available_at end as known_at
    from runs
    window run as (partition by reading, commodity_code, run_number order by trade_date)

),

final as (

    select
        counted.reading,
        counted.commodity_code,
        counted.trade_date,
        counted.nearest_contract,
        counted.nearest_cny_t,
        counted.dominant_contract,
        counted.dominant_cny_t,
        counted.sub_dominant_contract,
        counted.sub_dominant_cny_t,
        counted.farthest_contract,
        counted.pairs,
        counted.shape,
        counted.slope_pct_month,
        counted.roll_yield_cny_t_month,
        counted.curve_slope_pct_month,
        counted.days_same_sign,
        counted.days_same_sign >= parameters.stable_curve_sessions as is_stable,
        counted.excluded_legs,
        nullif(concat_ws(
            ';',
            case when counted.pairs = 0 then 'shape:fewer_than_two_liquid_legs' end,
            case
                when counted.dominant_contract is null then 'slope_pct_month:no_dominant_contract'
                when counted.sub_dominant_contract is null then 'slope_pct_month:no_sub_dominant_contract'
                when counted.dominant_reason is not null then 'slope_pct_month:dominant_' || counted.dominant_reason
                when counted.sub_dominant_reason is not null then 'slope_pct_month:sub_dominant_' || counted.sub_dominant_reason
            end
        ), '') as null_reason,
        counted.known_at as available_at,
        counted.data_origin,
        counted.payload_sha256
    from counted
    inner join parameters on counted.commodity_code = parameters.commodity_code

)

select * from final
