-- Rule R-RQ0. The contract that is dominant on a session is decided from open interest at the close of the session before:
-- the current one stays until another exceeds it by the configured ratio, a contract is dominant at most once, and a roll is
-- forced some sessions before the last trading day. It stands on the figures as they were decided on: a revision never changes a
-- dominance that was lived, nor do figures that had not come by the decision of the session after theirs: such a session keeps what was.
-- The path depends on itself, hence the fold: what a session decides rests on the sessions before it.
{#- Gone from the quotes or past its deadline, the current contract cannot stay. #}
{%- set kept = first_where('each.contracts', 'one', 'one.contract_code = state.contract_code') %}
{%- set rival = first_where('each.contracts', 'one', 'one.open_interest_before > 0 and not array_contains(state.held, one.contract_code)') %}
{%- set is_larger = rival ~ '.open_interest_before > each.roll_open_interest_ratio * ' ~ kept ~ '.open_interest_before' %}
{%- set takes_over = rival ~ ' is not null and (' ~ kept ~ ' is null or ' ~ is_larger ~ ')' %}
{%- set stays = 'when each.is_late then state.contract_code else ' ~ kept ~ '.contract_code' %}
{%- set becomes = 'case when ' ~ takes_over ~ ' then ' ~ rival ~ '.contract_code ' ~ stays ~ ' end' %}

with quotes as (

    select * from {{ ref('int_contracts__quotes') }}
    where is_decided

),

last_days as (

    select * from {{ ref('int_contracts__last_days') }}

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
        coalesce(last_days.last_session_index - days.session_index <= parameters.roll_deadline_sessions, false) as is_past_deadline,
        coalesce(quotes.available_at > lead(quotes.decided_by) over contract_days, false) as is_late,
        parameters.roll_open_interest_ratio
    from quotes
    inner join last_days
        on
            quotes.contract_code = last_days.contract_code
            and quotes.trade_date = last_days.trade_date
    inner join days on quotes.trade_date = days.trade_date
    inner join parameters on quotes.commodity_code = parameters.commodity_code
    window contract_days as (partition by quotes.contract_code order by quotes.trade_date)

),

-- The contracts that may be dominant on a session, the largest first.
candidates as (

    select
        commodity_code,
        trade_date,
        {{ in_order(
            record({'contract_code': 'contract_code', 'open_interest_before': 'open_interest_before'}),
            '-open_interest_before, delivery_month'
        ) }} as contracts
    from known_before
    where not is_past_deadline and not is_late
    group by commodity_code, trade_date

),

steps as (

    select
        commodity_code,
        trade_date,
        roll_open_interest_ratio,
        min(case when is_late then 1 else 0 end) = 1 as is_late
    from known_before
    group by commodity_code, trade_date, roll_open_interest_ratio

),

-- One way through the sessions of a commodity: the contract that is dominant, those that ever were, and where each run of sessions began.
ways as (

    select
        steps.commodity_code,
        {{ fold(
            in_order(
                record({
                    'trade_date': 'steps.trade_date', 'roll_open_interest_ratio': 'steps.roll_open_interest_ratio',
                    'contracts': 'candidates.contracts', 'is_late': 'steps.is_late',
                }),
                'steps.trade_date'
            ),
            record({
                'contract_code': 'cast(null as string)',
                'held': empty_list('cast(null as string)'),
                'runs': empty_list(record({'contract_code': 'cast(null as string)', 'began_on': 'cast(null as date)'})),
            }),
            record({
                'contract_code': becomes,
                'held': 'case when ' ~ takes_over ~ ' then array_append(state.held, ' ~ rival ~ '.contract_code) else state.held end',
                'runs': 'case when ' ~ becomes ~ ' is distinct from state.contract_code then array_append(state.runs, '
                    ~ record({'contract_code': becomes, 'began_on': 'each.trade_date'}) ~ ') else state.runs end',
            })
        ) }} as way
    from steps
    left join candidates
        on
            steps.commodity_code = candidates.commodity_code
            and steps.trade_date = candidates.trade_date
    group by steps.commodity_code

),

turns as (

    select
        listed.commodity_code,
        listed.turn.contract_code,
        listed.turn.began_on
    from (
        select
            ways.commodity_code,
            {{ each_of('ways.way.runs') }} as turn
        from ways
    ) as listed

),

-- Every session stands in the run that began last.
placed as (

    select
        steps.commodity_code,
        steps.trade_date,
        max(turns.began_on) over (partition by steps.commodity_code order by steps.trade_date) as began_on
    from steps
    left join turns
        on
            steps.commodity_code = turns.commodity_code
            and steps.trade_date = turns.began_on

),

path as (

    select
        placed.commodity_code,
        placed.trade_date,
        turns.contract_code
    from placed
    left join turns
        on
            placed.commodity_code = turns.commodity_code
            and placed.began_on = turns.began_on

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
