-- What is new at the newest decision against the one before: a row each figure, stance and flag.
{%- set figures = {
    'close_cny_t': 'CNY/t', 'settle_cny_t': 'CNY/t', 'receipts_t': 't', 'squeeze_ratio': 'multiple', 'spot_cny_t': 'CNY/t',
    'premium_close_rate_pct': 'pct', 'cost_full_cny_t': 'CNY/t', 'profit_cny_t': 'CNY/t', 'import_profit_cny_t': 'CNY/t', 'sentiment_score': 'score',
    'stance_short': '-', 'stance_medium': '-', 'stance_long': '-',
} %}

with outlook as (

    select
        *,
        lag(as_of_date) over (partition by commodity_code order by as_of_date) as previous_as_of_date
    from {{ ref('outlook_daily') }}

),

flags as (

    select
        commodity_code,
        as_of_date,
        signal as item
    from {{ ref('outlook_drivers') }}
    where driver_kind = 'flag'
    group by commodity_code, as_of_date, signal

),

rolls as (

    select * from {{ ref('futures_dominant') }}

),

newest as (

    select * from outlook
    where is_newest

),

pairs as (

    {%- for figure, unit in figures.items() %}
    select
        newest.commodity_code,
        newest.as_of_date,
        newest.previous_as_of_date,
        '{{ 'stance' if figure.startswith('stance') else 'figure' }}' as change_kind,
        '{{ figure }}' as item,
        '{{ unit }}' as unit,
        cast(before.{{ figure }} as double) as value_before,
        cast(newest.{{ figure }} as double) as value_now,
        newest.decision_at,
        newest.data_origin
    from newest
    left join outlook as before
        on
            newest.commodity_code = before.commodity_code
            and newest.previous_as_of_date = before.as_of_date
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

-- A flag is there or not, at each of the two decisions.
seen as (

    {%- for side, day in {'now': 'as_of_date', 'before': 'previous_as_of_date'}.items() %}
    select
        newest.commodity_code,
        newest.as_of_date,
        newest.previous_as_of_date,
        newest.decision_at,
        newest.data_origin,
        flags.item,
        '{{ side }}' as side
    from newest
    inner join flags
        on
            newest.commodity_code = flags.commodity_code
            and newest.{{ day }} = flags.as_of_date
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

raised as (

    select
        commodity_code,
        as_of_date,
        previous_as_of_date,
        'flag' as change_kind,
        item,
        '-' as unit,
        cast(max(case when side = 'before' then 1.0 else 0.0 end) as double) as value_before,
        cast(max(case when side = 'now' then 1.0 else 0.0 end) as double) as value_now,
        max(decision_at) as decision_at,
        max(data_origin) as data_origin
    from seen
    group by commodity_code, as_of_date, previous_as_of_date, item

),

told as (

    select * from pairs
    union all
    select * from raised

),

final as (

    select
        told.commodity_code,
        told.as_of_date,
        told.change_kind,
        told.item,
        told.unit,
        told.value_before,
        told.value_now,
        -- On a day of a roll two contracts do not compare: the close before is that of the contract that leads now.
        case
            when told.item = 'close_cny_t' and rolls.is_roll_day then rolls.close_change_cny_t
            when told.item = 'settle_cny_t' and rolls.is_roll_day then rolls.settle_cny_t - rolls.pre_settle_cny_t
            else told.value_now - told.value_before
        end as value_change,
        told.previous_as_of_date,
        told.decision_at,
        told.data_origin
    from told
    left join rolls
        on
            told.commodity_code = rolls.commodity_code
            and told.as_of_date = rolls.trade_date

)

select * from final
