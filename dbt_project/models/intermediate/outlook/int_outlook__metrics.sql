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
        case when watched.commodity_code is not null then min(case when signals.signal = 'spot_cny_t' then signals.age_sessions end) end as spot_age,
        watched.commodity_code is not null as is_spot_watched
    from decisions
    left join signals
        on
            decisions.commodity_code = signals.commodity_code
            and decisions.as_of_date = signals.as_of_date
    left join watched on decisions.commodity_code = watched.commodity_code
    group by decisions.commodity_code, decisions.as_of_date, watched.commodity_code

),

computed as (

    {%- for metric, column in {
        'score': 'score', 'coverage': 'coverage', 'is_sentiment_over_fundamentals': 'sentiment_over',
        'is_score_against_fundamentals': 'against',
    }.items() %}
    select
        commodity_code,
        as_of_date,
        '{{ metric }}' as metric,
        {{ column }} as metric_value,
        as_of_date as data_date,
        cast(null as double) as percentile_ratio,
        cast(null as double) as metric_change,
        cast(null as varchar) as payload_sha256
    from judged

    union all
    {% endfor %}
    {%- for metric, column in {
        'quotes_age_sessions': 'quotes_age', 'receipts_age_sessions': 'receipts_age', 'spot_age_sessions': 'spot_age',
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
        cast(null as double) as percentile_ratio,
        cast(null as double) as metric_change,
        cast(null as varchar) as payload_sha256
    from ages

    union all
    {% endfor %}
    select
        commodity_code,
        as_of_date,
        'policy_score' as metric,
        max(component_score) as metric_value,
        max(data_date) as data_date,
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
        signals.percentile_ratio,
        signals.signal_change as metric_change,
        signals.payload_sha256
    from signals
    inner join metrics on signals.signal = metrics.metric

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
        payload_sha256
    from computed
    where metric_value is not null

)

select * from final
