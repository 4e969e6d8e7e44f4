-- Every day of the years any table speaks of, sessions or not: facts of days, weeks and months all find theirs.
{%- set dated = {
    'dim_trading_day': 'trade_date', 'fct_spot_daily': 'trade_date', 'fct_trade_balance_monthly': 'month', 'fct_capacity': 'period_end',
    'fct_inventory': 'period_end', 'fct_supply_demand': 'period_end', 'dim_contract': 'delivery_month', 'fct_futures_daily': 'trade_date',
    'fct_receipts_daily': 'trade_date', 'fct_sentiment_daily': 'as_of_date',
} %}

with sessions as (

    select * from {{ ref('dim_trading_day') }}

),

spoken_of as (

    {%- for mart, day in dated.items() %}
    select
        min({{ day }}) as first_day,
        max({{ day }}) as last_day
    from {{ ref(mart) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

years as (

    select
        cast(date_trunc('year', min(first_day)) as date) as first_day,
        cast(extract(year from max(last_day)) - extract(year from min(first_day)) + 1 as bigint) as years
    from spoken_of

),

numbered as (

    select
        first_day,
        years,
        {{ each_of(numbers('366 * years')) }} as n
    from years

),

days as (

    select
        {{ add_days('first_day', 'n') }} as calendar_date,
        extract(year from first_day) + years as end_year
    from numbered

),

final as (

    select
        days.calendar_date,
        cast(extract(year from days.calendar_date) as bigint) as year,
        cast(extract(quarter from days.calendar_date) as bigint) as quarter,
        cast(date_trunc('month', days.calendar_date) as date) as month,
        cast(date_trunc('week', days.calendar_date) as date) as week_start,
        cast(extract(week from days.calendar_date) as bigint) as iso_week,
        sessions.trade_date is not null as is_session,
        sessions.session_index,
        sessions.previous_trade_date,
        sessions.next_trade_date
    from days
    left join sessions on days.calendar_date = sessions.trade_date
    where extract(year from days.calendar_date) < days.end_year

)

select * from final
