-- What a decision came to: from the first price after it, the next session's open with its night, to the close some sessions later, on one
-- contract: the held one, or where that expires before, the later one with most open interest at the decision. An open that was locked at its
-- limit is no price one could have had: the next session's counts. Null with its reason where a leg is missing or not yet there.
with contracts as (

    select * from {{ ref('int_panel__contracts') }}

),

chain as (

    select * from {{ ref('int_panel__chain') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

lengths as (

    select distinct horizon_sessions from {{ ref('stg_catalog__panel_horizons') }}

),

decisions as (

    select
        chain.exchange,
        chain.product_id,
        chain.trade_date,
        chain.session_index,
        chain.held_month_code,
        lengths.horizon_sessions
    from chain
    cross join lengths
    where chain.held_month_code is not null

),

-- Which contract it is taken on, known at the decision: it trades to the end.
candidates as (

    select
        decisions.*,
        contracts.delivery_month_code,
        row_number() over (
            partition by decisions.exchange, decisions.product_id, decisions.trade_date, decisions.horizon_sessions
            order by
                case when contracts.delivery_month_code = decisions.held_month_code then 0 else 1 end asc,
                contracts.open_interest_lots desc,
                contracts.delivery_month_code asc
        ) as place
    from decisions
    inner join contracts
        on
            decisions.exchange = contracts.exchange
            and decisions.product_id = contracts.product_id
            and decisions.trade_date = contracts.trade_date
    where
        contracts.delivery_month_code >= decisions.held_month_code
        and decisions.session_index + decisions.horizon_sessions <= contracts.last_session_index

),

chosen as (

    select
        decisions.exchange,
        decisions.product_id,
        decisions.trade_date,
        decisions.session_index,
        decisions.horizon_sessions,
        candidates.delivery_month_code,
        exits.trade_date as exit_date
    from decisions
    left join candidates
        on
            decisions.exchange = candidates.exchange
            and decisions.product_id = candidates.product_id
            and decisions.trade_date = candidates.trade_date
            and decisions.horizon_sessions = candidates.horizon_sessions
            and candidates.place = 1
    left join days as exits on decisions.session_index + decisions.horizon_sessions = exits.session_index

),

-- Prices of a contract after a session, from the session itself: its next two opens, and whether they were locked.
opens as (

    select
        contracts.exchange,
        contracts.product_id,
        contracts.delivery_month_code,
        contracts.trade_date,
        contracts.session_index,
        contracts.open_price,
        contracts.available_at,
        coalesce(
            contracts.high_price = contracts.low_price
            and abs(contracts.open_price / contracts.pre_settle_price - 1.0) >= parameters.panel_locked_ratio,
            false
        ) as is_locked
    from contracts
    cross join parameters

),

priced as (

    select
        chosen.*,
        case when first_open.is_locked then second_open.trade_date else first_open.trade_date end as entry_date,
        case when first_open.is_locked then second_open.open_price else first_open.open_price end as entry_price,
        coalesce(first_open.is_locked and second_open.is_locked, false) as is_locked_twice,
        coalesce(first_open.is_locked, false) as is_locked,
        leaving.close_price as exit_price,
        greatest(
            leaving.available_at,
            first_open.available_at,
            case when first_open.is_locked then second_open.available_at else first_open.available_at end
        ) as known_at
    from chosen
    left join opens as first_open
        on
            chosen.exchange = first_open.exchange
            and chosen.product_id = first_open.product_id
            and chosen.delivery_month_code = first_open.delivery_month_code
            and chosen.session_index + 1 = first_open.session_index
    left join opens as second_open
        on
            chosen.exchange = second_open.exchange
            and chosen.product_id = second_open.product_id
            and chosen.delivery_month_code = second_open.delivery_month_code
            and chosen.session_index + 2 = second_open.session_index
    left join contracts as leaving
        on
            chosen.exchange = leaving.exchange
            and chosen.product_id = leaving.product_id
            and chosen.delivery_month_code = leaving.delivery_month_code
            and chosen.exit_date = leaving.trade_date

),

last_sessions as (

    select max(session_index) as last_index from chain

),

judged as (

    select
        priced.*,
        case
            when priced.session_index + priced.horizon_sessions > last_sessions.last_index then 'not_yet'
            when priced.delivery_month_code is null then 'no_contract_trades_to_the_exit'
            when priced.is_locked_twice or (priced.is_locked and priced.horizon_sessions < 2) then 'locked_at_entry'
            when priced.entry_price is null then 'no_entry'
            when priced.exit_price is null then 'no_exit'
        end as null_reason,
        parameters.decision_time_minutes as decision_minutes
    from priced
    cross join last_sessions
    cross join parameters

),

-- Known from the exit on; where a leg came after the decision of that day, from the day after it came.
final as (

    select
        exchange,
        product_id,
        trade_date,
        session_index,
        horizon_sessions,
        delivery_month_code,
        entry_date,
        entry_price,
        exit_date,
        exit_price,
        case when null_reason is null then ln(exit_price / entry_price) end as outcome,
        null_reason,
        case
            when null_reason is null
                then
                    case
                        when known_at <= {{ shanghai_time('exit_date', 'decision_minutes') }} then exit_date
                        when known_at <= {{ shanghai_time(shanghai_date('known_at'), 'decision_minutes') }} then {{ shanghai_date('known_at') }}
                        else {{ add_days(shanghai_date('known_at'), '1') }}
                    end
        end as known_date
    from judged

)

select * from final
