-- score = sum(w s) / sum(w) over the components there are; contributions w s / sum(w) add up to it exactly. Coverage counts the components of
-- the profile the decision stands on.
with components as (

    select * from {{ ref('int_sentiment__components') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

profiles as (

    select * from {{ ref('int_outlook__profiles') }}

),

{%- set known_weight = 'case when component_score is not null then weight end' %}

counted as (

    select
        components.*,
        case when components.profile = 'exchange' or profiles.profile = 'full' then components.weight end as counted_weight
    from components
    inner join profiles
        on
            components.commodity_code = profiles.commodity_code
            and components.as_of_date = profiles.as_of_date

),

scores as (

    select
        commodity_code,
        as_of_date,
        max(config_version) as config_version,
        {{ score_mean('component_score * weight', known_weight) }} as score,
        coalesce(sum(case when component_score is not null then counted_weight end), 0.0) / sum(counted_weight) as coverage,
        {{ score_mean('component_score', 'case when component_score is not null then 1.0 end') }} as score_equal_weights,
        {%- for block in ['policy', 'receipts', 'money', 'fundamentals'] %}
        {{ score_mean("case when block = '" ~ block ~ "' then component_score * weight end", known_weight) }} as contribution_{{ block }},
        {{ score_mean(
            "case when block = '" ~ block ~ "' then component_score * weight end",
            "case when block = '" ~ block ~ "' and component_score is not null then weight end"
        ) }} as block_{{ block }},
        {%- endfor %}
        {{ score_mean(
            "case when block <> 'fundamentals' then component_score * weight end",
            "case when block <> 'fundamentals' and component_score is not null then weight end"
        ) }} as sentiment_side,
        -- Rounded: a mean over many rows depends on their order in its last digits.
        md5({{ joined(
            "concat_ws(':', component, coalesce(" ~ double_text('round(signal_value, 9) + 0.0') ~ ", ''), coalesce(cast(data_date as string), ''))",
            'component'
        ) }}) as inputs_hash
    from counted
    group by commodity_code, as_of_date

),

blocks as (

    select
        commodity_code,
        as_of_date,
        {{ score_mean('block_score', '1.0') }} as score_equal_blocks
    from (
        {%- for block in ['policy', 'receipts', 'money', 'fundamentals'] %}
        select
            commodity_code,
            as_of_date,
            block_{{ block }} as block_score
        from scores
        where block_{{ block }} is not null
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
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
        {%- for block in ['policy', 'receipts', 'money', 'fundamentals'] %}
        scores.block_{{ block }},
        {%- endfor %}
        -- How strong the weaker side is where sentiment (policy, receipts, money) and fundamentals point apart.
        case
            when scores.sentiment_side * scores.block_fundamentals < 0.0 then least(abs(scores.sentiment_side), abs(scores.block_fundamentals))
            when scores.sentiment_side is not null and scores.block_fundamentals is not null then 0.0
        end as opposing_force,
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
