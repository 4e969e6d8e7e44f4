-- What the exchange lets a contract do in a session: its limits, its margin, whether it trades at night. The exchange's own row for the day
-- counts where it was known by the day's decision (of history as it was lived) or at all; else the term.
with quotes as (

    {{ readings(ref('int_contracts__quotes')) }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

specs as (

    select * from {{ ref('int_commodities__specs') }}

),

terms as (

    select * from {{ ref('int_commodities__terms') }}

),

-- Filtered here: a condition across both sides of an outer join would make every pair of rows meet.
limits as (

    select *
    from ({{ readings(ref('int_contracts__limits')) }}) as printed
    where reading = 'latest' or available_at <= decided_by

),

calendar as (

    select * from {{ ref('int_calendar__sessions') }}

),

contract_terms as (

    select
        sessions_held.commodity_code,
        sessions_held.trade_date,
        max(case when terms.term = 'limit_ratio' then terms.term_value end)
        * max(case
            when terms.term = 'first_day_limit_multiple' and sessions_held.trade_date = commodities.listing_date then terms.term_value
            else 1.0
        end) as limit_ratio,
        max(case when terms.term = 'margin_ratio' and terms.scope = 'spec' then terms.term_value end) as spec_margin_ratio,
        -- Trading begins in the morning of the listing date.
        max(case when terms.term = 'night_session' and sessions_held.trade_date > commodities.listing_date then terms.term_value end) = 1.0
            as trades_at_night
    from (
        select distinct
            commodity_code,
            trade_date
        from quotes
    ) as sessions_held
    inner join commodities on sessions_held.commodity_code = commodities.commodity_code
    left join terms
        on
            sessions_held.commodity_code = terms.commodity_code
            and {{ in_force('terms', 'sessions_held.trade_date') }}
    group by sessions_held.commodity_code, sessions_held.trade_date

),

ruled as (

    select
        quotes.reading,
        quotes.commodity_code,
        quotes.contract_code,
        quotes.trade_date,
        quotes.pre_settle_cny_t,
        specs.tick_cny_t,
        coalesce(limits.upper_limit_ratio, contract_terms.limit_ratio) as limit_ratio,
        coalesce(limits.lower_limit_ratio, contract_terms.limit_ratio) as lower_ratio,
        case
            when limits.upper_limit_ratio is not null then 'exchange_file'
            when contract_terms.limit_ratio is not null then 'term'
        end as limit_source,
        coalesce(limits.spec_long_margin_ratio, contract_terms.spec_margin_ratio) as spec_margin_ratio,
        case
            when limits.spec_long_margin_ratio is not null then 'exchange_file'
            when contract_terms.spec_margin_ratio is not null then 'term'
        end as margin_source,
        coalesce(contract_terms.trades_at_night, false) and calendar.has_night_session as has_night_session,
        limits.available_at as limits_available_at
    from quotes
    inner join specs
        on
            quotes.commodity_code = specs.commodity_code
            and {{ in_force('specs', 'quotes.trade_date') }}
    inner join calendar on quotes.trade_date = calendar.trade_date
    left join contract_terms
        on
            quotes.commodity_code = contract_terms.commodity_code
            and quotes.trade_date = contract_terms.trade_date
    left join limits
        on
            quotes.reading = limits.reading
            and quotes.contract_code = limits.contract_code
            and quotes.trade_date = limits.trade_date

),

-- On the tick, and never beyond the ratio.
final as (

    select
        *,
        tick_cny_t * floor(round(pre_settle_cny_t * (1.0 + limit_ratio) / tick_cny_t, 6)) as limit_up_cny_t,
        tick_cny_t * ceil(round(pre_settle_cny_t * (1.0 - lower_ratio) / tick_cny_t, 6)) as limit_down_cny_t
    from ruled

)

select * from final
