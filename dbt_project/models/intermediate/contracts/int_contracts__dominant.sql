-- Rule R-RQ0. The contract that is dominant on a session is decided from open interest at the close of the session before:
-- the current one stays until another exceeds it by the configured ratio, a contract is dominant at most once, and a roll is
-- forced some sessions before the last trading day. It stands on the figures as they were decided on: a revision never changes a
-- dominance that was lived, nor do figures that had not come by the decision of the session after theirs: such a session keeps what was.
-- The path depends on itself, hence the recursion, one step per session.
with recursive quotes as (

    select * from {{ ref('int_contracts__quotes') }}
    where is_decided

),

sessions as (

    select * from {{ ref('int_contracts__sessions') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

-- Where the session before is not held or had not come, its open interest follows from the day's own printed change.
known_before as (

    select
        quotes.commodity_code,
        quotes.trade_date,
        days.session_index,
        quotes.contract_code,
        quotes.delivery_month,
        coalesce(
            case
                when
                    lag(days.session_index) over contract_days = days.session_index - 1
                    and lag(quotes.available_at) over contract_days <= quotes.decided_by
                    then lag(quotes.open_interest_lots) over contract_days
            end,
            quotes.open_interest_lots - quotes.open_interest_change_lots
        ) as open_interest_before,
        coalesce(sessions.last_session_index - days.session_index <= parameters.roll_deadline_sessions, false) as is_past_deadline,
        coalesce(quotes.available_at > lead(quotes.decided_by) over contract_days, false) as is_late,
        parameters.roll_open_interest_ratio
    from quotes
    inner join sessions on quotes.contract_code = sessions.contract_code
    inner join days on quotes.trade_date = days.trade_date
    inner join parameters on quotes.commodity_code = parameters.commodity_code
    window contract_days as (partition by quotes.contract_code order by quotes.trade_date)

),

ranked as (

    select
        *,
        row_number() over (
            partition by commodity_code, trade_date
            order by open_interest_before desc, delivery_month asc
        ) as place
    from known_before
    where open_interest_before > 0 and not is_past_deadline and not is_late

),

-- The three largest eligible contracts of each session: the best one that was not dominant before is always among them.
steps as (

    select
        known_before.commodity_code,
        known_before.trade_date,
        known_before.roll_open_interest_ratio,
        min(case when known_before.is_late then 1 else 0 end) = 1 as is_late,
        row_number() over (partition by known_before.commodity_code order by known_before.trade_date) as step,
        max(case when ranked.place = 1 then ranked.contract_code end) as first_code,
        max(case when ranked.place = 1 then ranked.open_interest_before end) as first_lots,
        max(case when ranked.place = 2 then ranked.contract_code end) as second_code,
        max(case when ranked.place = 2 then ranked.open_interest_before end) as second_lots,
        max(case when ranked.place = 3 then ranked.contract_code end) as third_code,
        max(case when ranked.place = 3 then ranked.open_interest_before end) as third_lots
    from known_before
    left join ranked
        on
            known_before.commodity_code = ranked.commodity_code
            and known_before.trade_date = ranked.trade_date
            and known_before.contract_code = ranked.contract_code
    group by known_before.commodity_code, known_before.trade_date, known_before.roll_open_interest_ratio

),

path as (

    select
        commodity_code,
        trade_date,
        step,
        first_code as contract_code,
        ';' || coalesce(first_code, '') || ';' as held
    from steps
    where step = 1

    union all

    select
        challenged.commodity_code,
        challenged.trade_date,
        challenged.step,
        case
            when challenged.is_switch then challenged.challenger_code
            when challenged.is_late then challenged.contract_code
            else challenged.kept_code
        end as contract_code,
        case when challenged.is_switch then challenged.held || challenged.challenger_code || ';' else challenged.held end as held
    from (
        select
            candidate.*,
            -- Gone from the quotes or past its deadline, the current contract cannot stay.
            candidate.challenger_code is not null
            and (candidate.kept_code is null or candidate.challenger_lots > candidate.roll_open_interest_ratio * candidate.kept_lots)
                as is_switch
        from (
            select
                steps.commodity_code,
                steps.trade_date,
                steps.step,
                steps.roll_open_interest_ratio,
                steps.is_late,
                path.contract_code,
                path.held,
                kept.contract_code as kept_code,
                kept.open_interest_before as kept_lots,
                case
                    when path.held not like '%;' || steps.first_code || ';%' then steps.first_code
                    when path.held not like '%;' || steps.second_code || ';%' then steps.second_code
                    when path.held not like '%;' || steps.third_code || ';%' then steps.third_code
                end as challenger_code,
                case
                    when path.held not like '%;' || steps.first_code || ';%' then steps.first_lots
                    when path.held not like '%;' || steps.second_code || ';%' then steps.second_lots
                    when path.held not like '%;' || steps.third_code || ';%' then steps.third_lots
                end as challenger_lots
            from path
            inner join steps
                on
                    path.commodity_code = steps.commodity_code
                    and path.step + 1 = steps.step
            left join known_before as kept
                on
                    path.contract_code = kept.contract_code
                    and steps.trade_date = kept.trade_date
                    and not kept.is_past_deadline
                    and not kept.is_late
        ) as candidate
    ) as challenged

),

-- A contract is dominant in one run of sessions only; what began a run was decided at the close of the session before it.
runs as (

    select
        path.commodity_code,
        path.trade_date,
        path.contract_code,
        min(path.trade_date) over (partition by path.commodity_code, path.contract_code) as effective_from
    from path

),

-- Of the later contracts the one with most open interest at the close before.
later as (

    select
        runs.commodity_code,
        runs.trade_date,
        later.contract_code,
        row_number() over (
            partition by runs.commodity_code, runs.trade_date
            order by later.open_interest_before desc, later.delivery_month asc
        ) as place
    from runs
    inner join known_before as current_one
        on
            runs.contract_code = current_one.contract_code
            and runs.trade_date = current_one.trade_date
    inner join known_before as later
        on
            runs.commodity_code = later.commodity_code
            and runs.trade_date = later.trade_date
            and current_one.delivery_month < later.delivery_month
            and later.open_interest_before > 0

),

final as (

    select
        runs.commodity_code,
        runs.trade_date,
        runs.contract_code,
        later.contract_code as sub_dominant_contract,
        runs.effective_from,
        before.trade_date as decision_date
    from runs
    inner join days on runs.effective_from = days.trade_date
    left join days as before on days.session_index - 1 = before.session_index
    left join later
        on
            runs.commodity_code = later.commodity_code
            and runs.trade_date = later.trade_date
            and later.place = 1

)

select * from final
