-- What the panel of all products forecasts for a commodity at each decision, and the record of its calls as it could be known then. On a rejected
-- day nothing is said.
with statements as (

    select * from {{ ref('int_outlook__statements') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

forecasts as (

    select * from {{ ref('int_panel__forecasts') }}

),

track as (

    select * from {{ ref('int_panel__track') }}

),

final as (

    select
        statements.commodity_code,
        statements.as_of_date,
        statements.horizon,
        {%- for column in ['probability_up', 'call', 'forecast_score', 'expected_move_pct'] %}
        case when not statements.is_rejected then forecasts.{{ column }} end as {{ column }},
        {%- endfor %}
        case
            when statements.is_rejected then 'rejected'
            when forecasts.horizon is null then 'no_panel_row'
            else forecasts.call_reason
        end as call_reason,
        {%- for end in ['low', 'high'] %}
        case when not statements.is_rejected then forecasts.interval80_{{ end }}_price end as interval80_{{ end }}_cny_t,
        {%- endfor %}
        coalesce(track.calls, 0) as call_track_n,
        track.hit_ratio as call_track_hit_ratio,
        track.call_skill as call_track_skill,
        track.call_skill_low as call_track_skill_low,
        track.call_skill_high as call_track_skill_high,
        track.base_ratio as call_track_base_ratio
    from statements
    inner join commodities on statements.commodity_code = commodities.commodity_code
    left join forecasts
        on
            commodities.exchange = forecasts.exchange
            and commodities.product_id = forecasts.product_id
            and statements.as_of_date = forecasts.trade_date
            and statements.horizon = forecasts.horizon
    left join track
        on
            commodities.exchange = track.exchange
            and commodities.product_id = track.product_id
            and statements.as_of_date = track.trade_date
            and statements.horizon = track.horizon

)

select * from final
