{{ config(meta={"dagster": {"ref": {"name": "int_fundamentals__known"}}}) }}
-- A row that describes a day's decision holds nothing that was published after it.
with facts as (

    select
        commodity_code,
        trade_date,
        available_at,
        'margin' as fact
    from {{ ref('fct_margin_daily') }}

    union all

    select
        commodity_code,
        trade_date,
        available_at,
        'parity' as fact
    from {{ ref('fct_import_parity_daily') }}

    union all

    select
        commodity_code,
        period_end as trade_date,
        available_at,
        'balance' as fact
    from {{ ref('fct_supply_demand') }}
    where frequency = 'daily'

    union all

    select
        commodity_code,
        as_of_date as trade_date,
        available_at,
        'known' as fact
    from {{ ref('int_fundamentals__known') }}

)

select
    facts.commodity_code,
    facts.trade_date,
    facts.fact
from facts
inner join {{ ref('int_calendar__decisions') }} as decisions
    on
        facts.commodity_code = decisions.commodity_code
        and facts.trade_date = decisions.as_of_date
where facts.available_at > decisions.decision_at
