with quotes as (

    select * from {{ ref('fct_futures_daily') }}

),

receipts as (

    select * from {{ ref('fct_receipts_daily') }}

),

days as (

    select * from {{ ref('dim_trading_day') }}

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

),

-- Of several origins the least trustworthy names the day: sample comes last in the alphabet, and that is what is wanted.
labelled as (

    select
        commodity_code,
        trade_date,
        max(data_origin) as data_origin
    from seen
    group by commodity_code, trade_date

),

final as (

    select
        labelled.commodity_code,
        labelled.trade_date as as_of_date,
        labelled.data_origin,
        days.session_index,
        {{ shanghai_time('labelled.trade_date', 'parameters.decision_time_minutes') }} as decision_at,
        {{ shanghai_time('days.next_trade_date', 'parameters.decision_time_minutes') }} as valid_until
    from labelled
    inner join days on labelled.trade_date = days.trade_date
    inner join parameters on labelled.commodity_code = parameters.commodity_code

)

select * from final
