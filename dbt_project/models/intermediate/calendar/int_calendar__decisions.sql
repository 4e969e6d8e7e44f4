-- A decision for every session a commodity has data of, and for the session in which the build's horizon lies.
with quotes as (

    select * from {{ ref('int_contracts__quotes') }}

),

receipts as (

    select * from {{ ref('int_receipts__levels') }}

),

series as (

    select * from {{ ref('int_series__values') }}

),

horizon as (

    select * from {{ ref('stg_ingest__horizon') }}

),

-- The session after the last one whose closures are known is the one expected, also when it is known later.
expected as (

    select
        known_until,
        min(expected_date) as first_expected_date
    from {{ ref('stg_catalog__expected_days') }}
    group by known_until

),

days as (

    select
        days.trade_date,
        days.session_index,
        coalesce(
            lead(days.trade_date) over (partition by days.known_until order by days.trade_date), expected.first_expected_date
        ) as next_trade_date
    from {{ ref('stg_catalog__trading_days') }} as days
    left join expected on days.known_until = expected.known_until

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

seen as (

    select
        commodity_code,
        trade_date,
        data_origin
    from quotes

    union distinct

    select
        commodity_code,
        trade_date,
        data_origin
    from receipts

    union distinct

    select
        commodity_code,
        obs_date as trade_date,
        data_origin
    from series
    where role = 'spot'

),

horizon_days as (

    select
        seen.commodity_code,
        {{ shanghai_date('horizon.as_of') }} as trade_date,
        max(seen.data_origin) as data_origin
    from seen
    cross join horizon
    where horizon.as_of is not null
    group by seen.commodity_code, {{ shanghai_date('horizon.as_of') }}

),

-- Of several origins the least trustworthy names the day: sample comes last in the alphabet, and that is what is wanted.
labelled as (

    select
        commodity_code,
        trade_date,
        max(data_origin) as data_origin
    from (
        select * from seen
        union all
        select * from horizon_days
    ) as every_day
    group by commodity_code, trade_date

),

final as (

    select
        labelled.commodity_code,
        labelled.trade_date as as_of_date,
        labelled.data_origin,
        days.session_index,
        least(
            {{ shanghai_time('labelled.trade_date', 'parameters.decision_time_minutes') }},
            coalesce(horizon.as_of, {{ shanghai_time('labelled.trade_date', 'parameters.decision_time_minutes') }})
        ) as decision_at,
        {{ shanghai_time('days.next_trade_date', 'parameters.decision_time_minutes') }} as valid_until
    from labelled
    inner join days on labelled.trade_date = days.trade_date
    inner join parameters on labelled.commodity_code = parameters.commodity_code
    cross join horizon

)

select * from final
