-- score = sum(w s) / sum(w) over the components there are; contributions w s / sum(w) add up to it exactly.
with components as (

    select * from {{ ref('int_sentiment__components') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

{%- set known_weight = 'case when component_score is not null then weight end' %}

scores as (

    select
        commodity_code,
        as_of_date,
        max(config_version) as config_version,
        {{ score_mean('component_score * weight', known_weight) }} as score,
        coalesce(sum(case when component_score is not null then weight end), 0.0) / sum(weight) as coverage,
        {{ score_mean('component_score', 'case when component_score is not null then 1.0 end') }} as score_equal_weights,
        {%- for block in ['policy', 'receipts', 'money', 'fundamentals'] %}
        {{ score_mean("case when block = '" ~ block ~ "' then component_score * weight end", known_weight) }} as contribution_{{ block }},
        {%- endfor %}
        -- Rounded: a mean over many rows depends on their order in its last digits.
        md5({{ joined(
            "concat_ws(':', component, coalesce(cast(round(signal_value, 9) + 0.0 as varchar), ''), coalesce(cast(data_date as varchar), ''))",
            'component'
        ) }}) as inputs_hash
    from components
    group by commodity_code, as_of_date

),

blocks as (

    select
        commodity_code,
        as_of_date,
        {{ score_mean('block_score', '1.0') }} as score_equal_blocks
    from (
        select
            commodity_code,
            as_of_date,
            block,
            {{ score_mean('component_score * weight', 'weight') }} as block_score
        from components
        where component_score is not null
        group by commodity_code, as_of_date, block
    ) as block_scores
    group by commodity_code, as_of_date

),

final as (

    select
        scores.commodity_code,
        scores.as_of_date,
        scores.score,
        scores.coverage,
        scores.contribution_policy,
        scores.contribution_receipts,
        scores.contribution_money,
        scores.contribution_fundamentals,
        scores.score_equal_weights,
        blocks.score_equal_blocks,
        scores.contribution_policy + scores.contribution_money > abs(scores.contribution_fundamentals)
        and scores.contribution_fundamentals <= 0.0
        and scores.score > parameters.sentiment_over_fundamentals_score as is_sentiment_over_fundamentals,
        scores.contribution_policy + scores.contribution_money + scores.contribution_receipts > abs(scores.contribution_fundamentals)
        and scores.contribution_fundamentals <= 0.0
        and scores.score > parameters.sentiment_over_fundamentals_score as is_sentiment_and_receipts_over_fundamentals,
        nullif(
            concat_ws(
                ';',
                case when scores.contribution_policy is null then 'policy' end,
                case when scores.contribution_receipts is null then 'receipts' end,
                case when scores.contribution_money is null then 'money' end,
                case when scores.contribution_fundamentals is null then 'fundamentals' end
            ),
            ''
        ) as missing_blocks,
        scores.config_version,
        scores.inputs_hash
    from scores
    inner join parameters on scores.commodity_code = parameters.commodity_code
    left join blocks
        on
            scores.commodity_code = blocks.commodity_code
            and scores.as_of_date = blocks.as_of_date

)

select * from final
