-- Why the score is not what it was: each component's contribution at one decision against the decision before, split without remainder.
-- With f the component's share of all weight and s its score, f1 s1 - f0 s0 = (f1 - f0) s0 + f1 (s1 - s0).
with components as (

    select * from {{ ref('int_sentiment__components') }}

),

outlook as (

    select
        commodity_code,
        as_of_date,
        dominant_contract,
        data_origin
    from {{ ref('outlook_v1') }}
    where horizon = 'short'

),

shares as (

    select
        components.*,
        outlook.dominant_contract,
        outlook.data_origin,
        coalesce(components.component_score, 0.0) as s,
        case
            when components.component_score is null then 0.0
            else components.weight / sum(case when components.component_score is not null then components.weight end)
                over (partition by components.commodity_code, components.as_of_date)
        end as f
    from components
    inner join outlook
        on
            components.commodity_code = outlook.commodity_code
            and components.as_of_date = outlook.as_of_date

),

pairs as (

    select
        *,
        lag(as_of_date) over in_order as previous_as_of_date,
        lag(s) over in_order as s_before,
        lag(f) over in_order as f_before,
        lag(component_score) over in_order as component_score_before,
        lag(data_date) over in_order as data_date_before,
        lag(signal_value) over in_order as signal_value_before,
        lag(config_version) over in_order as config_version_before,
        lag(weight) over in_order as weight_before,
        lag(dominant_contract) over in_order as dominant_before
    from shares
    window in_order as (partition by commodity_code, component order by as_of_date)

),

causes as (

    select
        *,
        (f - f_before) * s_before as share_change,
        f * (s - s_before) as value_change,
        case when config_version <> config_version_before or weight <> weight_before then 'configuration' else 'new_data' end as share_cause,
        case
            when config_version <> config_version_before then 'configuration'
            -- A figure that comes or goes is data.
            when component_score is null or component_score_before is null then 'new_data'
            -- Intensity only decays by itself; it rises with an event.
            when signal = 'policy_intensity' and signal_value <= signal_value_before then 'calendar'
            when block = 'money' and dominant_contract <> dominant_before then 'calendar'
            when data_date <> data_date_before then 'new_data'
            when signal_value <> signal_value_before then 'revision'
            -- The same figure among others: the window moved on.
            else 'calendar'
        end as value_cause
    from pairs
    where previous_as_of_date is not null

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
        {%- for cause, change in [
            ('new_data', 'change_new_data'), ('revision', 'change_revision'), ('calendar', 'change_calendar'),
            ('configuration', 'change_configuration'),
        ] %}
        case when share_cause = '{{ cause }}' then share_change else 0.0 end
        + case when value_cause = '{{ cause }}' then value_change else 0.0 end as {{ change }},
        {%- endfor %}
        data_origin
    from causes

)

select * from final
