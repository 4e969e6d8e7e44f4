-- Why the score is not what it was: each component's contribution at one decision against the decision before, split without remainder.
-- Between the two stands what today's configuration would have made of the figures of the decision before. With f the component's share of
-- all weight, s its score and c that step, f1 s1 - f0 s0 = (fc sc - f0 s0) + (f1 - fc) sc + f1 (s1 - sc): configuration, figures of others
-- that came or went, the component's own figure.
with components as (

    select * from {{ ref('int_sentiment__components') }}

),

signals as (

    select * from {{ ref('int_outlook__signals') }}

),

decided as (

    select
        commodity_code,
        as_of_date,
        dominant_contract,
        data_origin,
        lag(as_of_date) over in_order as previous_as_of_date,
        lag(dominant_contract) over in_order as dominant_before
    from {{ ref('outlook_v2') }}
    where horizon = 'short'
    window in_order as (partition by commodity_code order by as_of_date)

),

-- A component in force stays in force, so every earlier one has its row among today's.
pairs as (

    select
        today.commodity_code,
        today.as_of_date,
        today.component,
        today.component_name,
        today.component_name_zh,
        today.block,
        today.signal,
        today.signal_value,
        today.leg_dates,
        today.weight,
        today.component_score,
        earlier.signal_value as signal_value_before,
        earlier.leg_dates as leg_dates_before,
        {{ component_score('earlier', 'today') }} as component_score_configured,
        before.weight as weight_before,
        before.component_score as component_score_before,
        decided.previous_as_of_date,
        decided.dominant_contract,
        decided.dominant_before,
        decided.data_origin
    from components as today
    inner join decided
        on
            today.commodity_code = decided.commodity_code
            and today.as_of_date = decided.as_of_date
            and decided.previous_as_of_date is not null
    left join components as before
        on
            today.commodity_code = before.commodity_code
            and decided.previous_as_of_date = before.as_of_date
            and today.component = before.component
    left join signals as earlier
        on
            today.commodity_code = earlier.commodity_code
            and decided.previous_as_of_date = earlier.as_of_date
            and today.signal = earlier.signal

),

shares as (

    select
        {%- for step, weight in {'': 'weight', '_configured': 'weight', '_before': 'weight_before'}.items() %}
        coalesce(component_score{{ step }}, 0.0) as s{{ step }},
        case
            when component_score{{ step }} is null then 0.0
            else {{ weight }} / sum(case when component_score{{ step }} is not null then {{ weight }} end)
                over (partition by commodity_code, as_of_date)
        end as f{{ step }},
        {%- endfor %}
        *
    from pairs

),

causes as (

    select
        *,
        f_configured * s_configured - f_before * s_before as configuration_change,
        (f - f_configured) * s_configured as share_change,
        f * (s - s_configured) as value_change,
        case
            -- A figure that comes or goes is data.
            when component_score is null or component_score_configured is null then 'new_data'
            -- Intensity only decays by itself; it rises with an event.
            when signal = 'policy_intensity' and signal_value <= signal_value_before then 'calendar'
            when block = 'money' and dominant_contract <> dominant_before then 'calendar'
            when leg_dates <> leg_dates_before then 'new_data'
            when signal_value <> signal_value_before then 'revision'
            -- The same figure among others: the window moved on.
            else 'calendar'
        end as value_cause
    from shares

),

final as (

    select
        commodity_code,
        as_of_date,
        previous_as_of_date,
        component,
        component_name,
        component_name_zh,
        block,
        f_before * s_before as contribution_before,
        f * s as contribution,
        f * s - f_before * s_before as contribution_change,
        share_change + case when value_cause = 'new_data' then value_change else 0.0 end as change_new_data,
        case when value_cause = 'revision' then value_change else 0.0 end as change_revision,
        case when value_cause = 'calendar' then value_change else 0.0 end as change_calendar,
        configuration_change as change_configuration,
        data_origin
    from causes

)

select * from final
