-- The figures rules may read, in one long form, as known at each decision. What a metric is stands in rules.toml.
with sentiment as (

    select * from {{ ref('int_sentiment__scores') }}

),

components as (

    select * from {{ ref('int_sentiment__components') }}

),

signals as (

    select * from {{ ref('int_outlook__signals') }}

),

metrics as (

    select * from {{ ref('stg_catalog__rule_metrics') }}

),

decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

-- Commodities whose spot price is watched at all: where no series is configured, none can be late.
watched as (

    select distinct commodity_code
    from {{ ref('stg_catalog__series') }}
    where role = 'spot'

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

placed as (

    select
        signals.*,
        decisions.session_index,
        parameters.change_window_sessions
    from signals
    inner join decisions
        on
            signals.commodity_code = decisions.commodity_code
            and signals.as_of_date = decisions.as_of_date
    inner join parameters on signals.commodity_code = parameters.commodity_code

),

-- A level against the same as it was known a month of sessions before.
{%- set monthly = {
    'capacity_built_t_a': 'capacity_built_change_pct', 'capacity_operating_t_a': 'capacity_operating_change_pct',
    'smelter_stock_t': 'smelter_stock_change_month_pct',
} %}

month_changes as (

    select
        today.commodity_code,
        today.as_of_date,
        case today.signal
            {%- for signal, metric in monthly.items() %}
            when '{{ signal }}' then '{{ metric }}'
            {%- endfor %}
        end as metric,
        {{ pct('today.signal_value', 'before.signal_value') }} as metric_value,
        today.data_date,
        today.age_sessions,
        today.payload_sha256
    from placed as today
    inner join placed as before
        on
            today.commodity_code = before.commodity_code
            and today.signal = before.signal
            and today.session_index - today.change_window_sessions = before.session_index
    where today.signal in ('capacity_built_t_a', 'capacity_operating_t_a', 'smelter_stock_t')

),

judged as (

    select
        *,
        case when is_sentiment_over_fundamentals then 1.0 when not is_sentiment_over_fundamentals then 0.0 end as sentiment_over,
        case
            when score * contribution_fundamentals < 0.0 then 1.0
            when score * contribution_fundamentals >= 0.0 then 0.0
        end as against
    from sentiment

),

-- How old the newest fact is that still counts; where there is none, it is missing.
ages as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        min(case when signals.signal = 'volume_oi_ratio' then signals.age_sessions end) as quotes_age,
        min(case when signals.signal = 'receipts_t' then signals.age_sessions end) as receipts_age,
        coalesce(max(chains.chain_sessions), 0.0) as chain_length,
        case when watched.commodity_code is not null then min(case when signals.signal = 'spot_cny_t' then signals.age_sessions end) end as spot_age,
        watched.commodity_code is not null as is_spot_watched
    from decisions
    left join signals
        on
            decisions.commodity_code = signals.commodity_code
            and decisions.as_of_date = signals.as_of_date
    left join watched on decisions.commodity_code = watched.commodity_code
    left join {{ ref('int_outlook__chains') }} as chains
        on
            decisions.commodity_code = chains.commodity_code
            and decisions.as_of_date = chains.as_of_date
    group by decisions.commodity_code, decisions.as_of_date, watched.commodity_code

),

computed as (

    {%- for metric, column in {
        'score': 'score', 'coverage': 'coverage', 'is_sentiment_over_fundamentals': 'sentiment_over',
        'is_score_against_fundamentals': 'against', 'opposing_force': 'opposing_force', 'block_policy': 'block_policy',
        'block_receipts': 'block_receipts', 'block_money': 'block_money', 'block_fundamentals': 'block_fundamentals',
    }.items() %}
    select
        commodity_code,
        as_of_date,
        '{{ metric }}' as metric,
        {{ column }} as metric_value,
        as_of_date as data_date,
        0 as age_sessions,
        cast(null as double) as percentile_ratio,
        cast(null as double) as metric_change,
        cast(null as string) as payload_sha256
    from judged

    union all
    {% endfor %}
    {%- for metric, column in {
        'quotes_age_sessions': 'quotes_age', 'receipts_age_sessions': 'receipts_age', 'spot_age_sessions': 'spot_age',
        'chain_sessions': 'chain_length',
        'is_quotes_missing': 'case when quotes_age is null then 1.0 else 0.0 end',
        'is_receipts_missing': 'case when receipts_age is null then 1.0 else 0.0 end',
        'is_spot_missing': 'case when is_spot_watched then case when spot_age is null then 1.0 else 0.0 end end',
    }.items() %}
    select
        commodity_code,
        as_of_date,
        '{{ metric }}' as metric,
        cast({{ column }} as double) as metric_value,
        as_of_date as data_date,
        0 as age_sessions,
        cast(null as double) as percentile_ratio,
        cast(null as double) as metric_change,
        cast(null as string) as payload_sha256
    from ages

    union all
    {% endfor %}
    select
        commodity_code,
        as_of_date,
        'policy_score' as metric,
        max(component_score) as metric_value,
        max(data_date) as data_date,
        max(age_sessions) as age_sessions,
        max(percentile_ratio) as percentile_ratio,
        cast(null as double) as metric_change,
        max(payload_sha256) as payload_sha256
    from components
    where signal = 'policy_intensity'
    group by commodity_code, as_of_date

    union all

    select
        commodity_code,
        as_of_date,
        'profit_percentile_ratio' as metric,
        percentile_ratio as metric_value,
        data_date,
        age_sessions,
        percentile_ratio,
        cast(null as double) as metric_change,
        payload_sha256
    from signals
    where signal = 'profit_cny_t'

    union all

    select
        signals.commodity_code,
        signals.as_of_date,
        signals.signal as metric,
        signals.signal_value as metric_value,
        signals.data_date,
        signals.age_sessions,
        signals.percentile_ratio,
        signals.signal_change as metric_change,
        signals.payload_sha256
    from signals
    inner join metrics on signals.signal = metrics.metric

    union all

    select
        commodity_code,
        as_of_date,
        metric,
        metric_value,
        data_date,
        age_sessions,
        cast(null as double) as percentile_ratio,
        cast(null as double) as metric_change,
        payload_sha256
    from month_changes

),

final as (

    select
        commodity_code,
        as_of_date,
        metric,
        metric_value,
        metric_change,
        percentile_ratio,
        data_date,
        age_sessions,
        payload_sha256
    from computed
    where metric_value is not null

)

select * from final
