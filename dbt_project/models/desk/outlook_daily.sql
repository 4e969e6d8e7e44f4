-- The outlook with its three horizons side by side. What is judged is null on a day that is rejected; the score that was computed all the same
-- stands in its own column.
{%- set horizons = ['short', 'medium', 'long'] %}

with outlook as (

    select
        *,
        status <> 'rejected' as is_valid,
        max(as_of_date) over (partition by commodity_code) = as_of_date as is_newest
    from {{ ref('outlook_v2') }}

),

-- What a day says once for all of its horizons stands in each of their rows.
days as (

    select * from outlook
    where horizon = 'short'

),

sides as (

    select
        commodity_code,
        as_of_date,
        {%- for horizon in horizons %}
        {%- for figure in ['direction', 'stance', 'probability_up', 'call'] %}
        max(case when horizon = '{{ horizon }}' and is_valid then {{ figure }} end) as {{ figure }}_{{ horizon }},
        {%- endfor %}
        max(case when horizon = '{{ horizon }}' and is_valid then interval80_low_cny_t end) as interval80_low_{{ horizon }}_cny_t,
        max(case when horizon = '{{ horizon }}' and is_valid then interval80_high_cny_t end) as interval80_high_{{ horizon }}_cny_t,
        {%- endfor %}
        max(case when horizon = 'short' then headline_en end) as headline_en,
        max(case when horizon = 'short' then headline_zh end) as headline_zh
    from outlook
    group by commodity_code, as_of_date

),

final as (

    select
        days.commodity_code,
        days.as_of_date,
        days.is_valid,
        days.is_newest,
        days.status,
        days.status_reason,
        days.profile,
        days.coverage,
        {%- for horizon in horizons %}
        sides.direction_{{ horizon }},
        sides.stance_{{ horizon }},
        sides.probability_up_{{ horizon }},
        sides.call_{{ horizon }},
        sides.interval80_low_{{ horizon }}_cny_t,
        sides.interval80_high_{{ horizon }}_cny_t,
        {%- endfor %}
        case when days.is_valid then days.sentiment_score end as sentiment_score,
        case when days.is_valid then days.score_band_low end as score_band_low,
        case when days.is_valid then days.score_band_high end as score_band_high,
        {%- for block in ['policy', 'receipts', 'money', 'fundamentals'] %}
        case when days.is_valid then days.contribution_{{ block }} end as contribution_{{ block }},
        {%- endfor %}
        days.trend_state,
        days.risk_flags,
        sides.headline_en,
        sides.headline_zh,
        days.dominant_contract,
        days.close_cny_t,
        days.settle_cny_t,
        days.ret_cc_1d_pct,
        days.ret_cc_2d_pct,
        days.receipts_t,
        days.squeeze_ratio,
        days.spot_cny_t,
        days.premium_rate_pct as premium_close_rate_pct,
        days.premium_clock,
        days.spot_leg,
        days.spot_provider,
        days.cost_full_cny_t,
        days.profit_cny_t,
        days.cost_model_id,
        days.cost_provider,
        days.import_profit_cny_t,
        days.quotes_date,
        days.receipts_date,
        days.spot_date,
        days.sentiment_score as sentiment_score_raw,
        days.legs_null_reason,
        -- The names these two had first.
        days.premium_clock as futures_leg,
        days.cost_model_id as model_id,
        days.decision_at,
        days.valid_until,
        days.data_origin
    from days
    inner join sides
        on
            days.commodity_code = sides.commodity_code
            and days.as_of_date = sides.as_of_date

)

select * from final
