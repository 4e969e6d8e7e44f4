-- Which weights, rules and parts of stances spoke at a decision, and a hash of every figure they read.
with metrics as (

    select * from {{ ref('int_outlook__metrics') }}

),

-- Which weights and rules spoke: a row added for later days, or a file renamed, leaves the versions before as they were.
weights as (

    select
        commodity_code,
        as_of_date,
        cast(max(valid_from) as string) || '+' || substr(md5({{ joined("component || ':' || fingerprint", 'component') }}), 1, 8) as version
    from {{ ref('int_sentiment__components') }}
    group by commodity_code, as_of_date

),

rule_book as (

    select
        rules.commodity_code,
        rules.as_of_date,
        cast(max(rules.valid_from) as string) || '+'
        || substr(md5({{ joined("rules.rule_id || ':' || texts.fingerprint", 'rules.rule_id') }}), 1, 8) as version
    from {{ ref('int_outlook__rules') }} as rules
    inner join {{ ref('stg_catalog__rules') }} as texts
        on
            rules.rule_id = texts.rule_id
            and rules.valid_from = texts.valid_from
    group by rules.commodity_code, rules.as_of_date

),

lean_book as (

    select
        commodity_code,
        as_of_date,
        cast(max(greatest(valid_from, lean_valid_from)) as string) || '+'
        || substr(md5({{ joined("concat_ws(':', horizon, part, fingerprint, lean_fingerprint)", 'horizon, part') }}), 1, 8) as version
    from {{ ref('int_outlook__leans') }}
    group by commodity_code, as_of_date

),

final as (

    select
        metrics.commodity_code,
        metrics.as_of_date,
        weights.version || '/' || rule_book.version || '/' || lean_book.version as model_version,
        md5({{ joined(
            "concat_ws(':', metrics.metric, coalesce(" ~ double_text('round(metrics.metric_value, 9) + 0.0') ~ ", ''), coalesce(cast(metrics.data_date as string), ''))",
            'metrics.metric'
        ) }}) as metrics_hash
    from metrics
    inner join weights
        on
            metrics.commodity_code = weights.commodity_code
            and metrics.as_of_date = weights.as_of_date
    inner join rule_book
        on
            metrics.commodity_code = rule_book.commodity_code
            and metrics.as_of_date = rule_book.as_of_date
    inner join lean_book
        on
            metrics.commodity_code = lean_book.commodity_code
            and metrics.as_of_date = lean_book.as_of_date
    group by metrics.commodity_code, metrics.as_of_date, weights.version, rule_book.version, lean_book.version

)

select * from final
