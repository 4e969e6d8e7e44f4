-- What was known at each decision: of the exchange's facts the newest published by then, of vendors, customs and policy what their
-- own as-of models say.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

facts as (

    select * from {{ ref('int_outlook__facts') }}

),

policy as (

    select * from {{ ref('int_policy__known') }}

),

fundamentals as (

    select * from {{ ref('int_fundamentals__known') }}

),

-- National series that are read by themselves, role -> signal.
{%- set lines = {
    'spot': 'spot_cny_t', 'capacity_built': 'capacity_built_t_a', 'capacity_operating': 'capacity_operating_t_a', 'stock_smelter': 'smelter_stock_t',
} %}

series as (

    select
        *,
        case role
            {%- for role, signal in lines.items() %}
            when '{{ role }}' then '{{ signal }}'
            {%- endfor %}
        end as signal
    from {{ ref('int_series__known') }}
    where
        region = 'national'
        and (
            role = 'spot' and unit = 'CNY/t'
            or role in ('capacity_built', 'capacity_operating') and unit = 't/a'
            or role = 'stock_smelter' and unit = 't'
        )

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

-- A fact is seen once it is available, and not before its own day, and from then on: the newest so far is a running maximum.
questions as (

    select
        placed.commodity_code,
        placed.as_of_date,
        placed.decision_at,
        days.trade_date as oldest_data_date
    from (
        select
            decisions.*,
            decisions.session_index - parameters.fact_maximum_age_sessions as oldest_session_index
        from decisions
        inner join parameters on decisions.commodity_code = parameters.commodity_code
    ) as placed
    inner join days on placed.oldest_session_index = days.session_index

),

asked as (

    select
        commodity_code,
        signal,
        greatest(available_at, {{ shanghai_time('data_date', 0) }}) as seen_at,
        data_date,
        cast(null as date) as as_of_date,
        cast(null as date) as oldest_data_date
    from facts

    union all

    select
        lines.commodity_code,
        lines.signal,
        questions.decision_at as seen_at,
        cast(null as date) as data_date,
        questions.as_of_date,
        questions.oldest_data_date
    from (
        select distinct
            commodity_code,
            signal
        from facts
    ) as lines
    inner join questions on lines.commodity_code = questions.commodity_code

),

answered as (

    select
        commodity_code,
        signal,
        as_of_date,
        oldest_data_date,
        max(data_date) over (partition by commodity_code, signal order by seen_at) as data_date
    from asked

),

exchange_known as (

    select
        answered.commodity_code,
        answered.as_of_date,
        answered.signal,
        answered.data_date,
        facts.signal_value,
        facts.leg,
        facts.payload_sha256
    from answered
    inner join facts
        on
            answered.commodity_code = facts.commodity_code
            and answered.signal = facts.signal
            and answered.data_date = facts.data_date
    where answered.data_date >= answered.oldest_data_date

),

-- Of several providers the first by name speaks.
series_known as (

    select *
    from (
        select
            *,
            row_number() over (partition by commodity_code, as_of_date, signal order by provider, series_id) as place
        from series
    ) as placed
    where place = 1

),

final as (

    select
        commodity_code,
        as_of_date,
        signal,
        data_date,
        {{ leg_dates(['data_date']) }} as leg_dates,
        signal_value,
        leg,
        payload_sha256
    from exchange_known

    union all

    select
        commodity_code,
        as_of_date,
        signal,
        obs_date as data_date,
        {{ leg_dates(['obs_date']) }} as leg_dates,
        value as signal_value,
        {{ leg_of(["'natl'", 'provider']) }} as leg,
        payload_sha256
    from series_known

    -- What is true of every event together is true of the decision's own day.
    {%- for signal, column, payload in [
        ('policy_intensity', 'policy_intensity', 'newest_payload_sha256'),
        ('commodity_document_count', 'cast(commodity_document_count as double)', 'newest_payload_sha256'),
        ('news_tone', 'news_tone', 'cast(null as string)'),
    ] %}

    union all

    select
        commodity_code,
        as_of_date,
        '{{ signal }}' as signal,
        as_of_date as data_date,
        {{ leg_dates(['as_of_date']) }} as leg_dates,
        {{ column }} as signal_value,
        cast(null as string) as leg,
        {{ payload }} as payload_sha256
    from policy
    where {{ column }} is not null
    {%- endfor %}
    {%- for signal, column, day, legs, payload in [
        ('margin_pct', 'margin_pct', 'margin_date', 'margin_leg_dates', 'payload_sha256'),
        ('profit_cny_t', 'profit_cny_t', 'margin_date', 'margin_leg_dates', 'payload_sha256'),
        ('cost_full_cny_t', 'cost_full_cny_t', 'cost_full_date', leg_dates(['cost_full_date']), 'payload_sha256'),
        ('surplus_pct', 'surplus_pct', 'surplus_date', 'surplus_leg_dates', 'surplus_payload_sha256'),
        (
            'smelter_stock_change_kt', 'smelter_stock_change_kt', 'smelter_stock_date', leg_dates(['smelter_stock_date']),
            'smelter_stock_payload_sha256',
        ),
        ('exports_mom_pct', 'exports_mom_pct', 'last_day(exports_date)', leg_dates(['exports_date']), 'exports_payload_sha256'),
        (
            'downstream_rate_change_pp', 'downstream_rate_change_pp', 'downstream_rate_date', leg_dates(['downstream_rate_date']),
            'downstream_rate_payload_sha256',
        ),
        ('import_profit_cny_t', 'import_profit_cny_t', 'parity_date', 'parity_leg_dates', 'parity_payload_sha256'),
        ('export_profit_usd_t', 'export_profit_usd_t', 'parity_date', 'parity_leg_dates', 'parity_payload_sha256'),
        ('import_leg_profit_cny_t', 'import_leg_profit_cny_t', 'import_leg_date', 'import_leg_dates', 'import_leg_payload_sha256'),
    ] %}

    union all

    select
        commodity_code,
        as_of_date,
        '{{ signal }}' as signal,
        {{ day }} as data_date,
        {{ legs }} as leg_dates,
        {{ column }} as signal_value,
        {{ leg_of(['cost_model_id', 'cost_provider']) if signal == 'cost_full_cny_t' else 'cast(null as string)' }} as leg,
        {{ payload }} as payload_sha256
    from fundamentals
    where {{ column }} is not null
    {%- endfor %}

)

select * from final
