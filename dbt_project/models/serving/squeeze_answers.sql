-- Is the squeeze real? One word a day, and the sentences that say what it stands on, Chinese and English. The words are the catalogue's
-- (words.toml); a sentence with a figure that is not known is left out.
{%- set languages = ['en', 'zh'] %}
{%- set sentences = [
    'measure', 'rank', 'all_goods', 'stock', 'no_stock', 'withdrawn', 'expiring',
] %}

with risk as (

    select * from {{ ref('fct_delivery_risk_daily') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

commodities as (

    select * from {{ ref('int_commodities__current') }}

),

words as (

    select * from {{ ref('stg_catalog__words') }}

),

sentences as (

    select
        {%- for language in languages %}
        {%- for sentence in sentences %}
        max(case when word_kind = 'squeeze' and word = '{{ sentence }}' then word_{{ language }} end) as {{ sentence }}_{{ language }},
        {%- endfor %}
        max(case when word_kind = 'sentence' and word = 'between_sentences' then word_{{ language }} end) as between_{{ language }},
        {%- endfor %}
        count(*) as word_count
    from words

),

openings as (

    select * from words
    where word_kind = 'squeeze'

),

-- Goods off warrant that would bring the ratio below what is watched make it a matter of paper; receipts that come back end it.
answered as (

    select
        risk.*,
        commodities.name_en,
        commodities.name_zh,
        case
            when risk.squeeze_state is null then 'unknown'
            when risk.squeeze_state = 'none' then 'none'
            when risk.squeeze_deliverable_ratio < risk.squeeze_floor_ratio / parameters.squeeze_watch_divisor then 'warrants_short'
            when risk.is_inflow then 'easing'
            when risk.squeeze_state = 'watch' then 'watch'
            else 'squeeze'
        end as answer
    from risk
    inner join parameters on risk.commodity_code = parameters.commodity_code
    inner join commodities on risk.commodity_code = commodities.commodity_code

),

worded as (

    select
        {%- for language in languages %}
        concat_ws(
            sentences.between_{{ language }},
            {{ filled('openings.word_' ~ language, {
                'name': 'answered.name_' ~ language, 'contract': "coalesce(answered.near_contract, '–')",
                'day': 'cast(answered.trade_date as string)',
            }) }},
            {{ filled('sentences.measure_' ~ language, {
                'interest': number_text('answered.near_open_interest_t', 0), 'sessions': 'cast(answered.near_sessions as string)',
                'ratio': number_text('answered.squeeze_ratio', 1), 'receipts': number_text('answered.receipts_t', 0),
                'floor': number_text('answered.squeeze_floor_ratio', 1),
            }) }},
            {{ filled('sentences.rank_' ~ language, {
                'percent': number_text('100.0 * answered.squeeze_percentile_ratio', 0), 'cycles': 'cast(answered.squeeze_cycles as string)',
            }) }},
            {{ filled('sentences.stock_' ~ language, {
                'day': 'cast(answered.stock_date as string)', 'goods': number_text('answered.off_warrant_t', 0),
            }) }},
            case when answered.off_warrant_t is null then sentences.no_stock_{{ language }} end,
            {{ filled('sentences.all_goods_' ~ language, {'ratio': number_text('answered.squeeze_deliverable_ratio', 1)}) }},
            {{ filled('case when answered.withdrawn_t > 0.0 then sentences.withdrawn_' ~ language ~ ' end', {
                'contract': 'answered.delivered_contract', 'withdrawn': number_text('answered.withdrawn_t', 0),
                'delivered': number_text('answered.delivered_t', 0), 'usual': "coalesce(" ~ number_text('answered.withdrawn_usual_t', 0) ~ ", '–')",
                'since': 'cast(answered.days_since_ltd as string)',
            }) }},
            {{ filled('case when answered.expiring_30d_t > 0.0 then sentences.expiring_' ~ language ~ ' end', {
                'expiring': number_text('answered.expiring_30d_t', 0),
            }) }}
        ) as answer_{{ language }},
        {%- endfor %}
        answered.*
    from answered
    inner join openings on answered.answer = openings.word
    cross join sentences

),

final as (

    select
        commodity_code,
        trade_date,
        decision_at,
        answer,
        answer_en,
        answer_zh,
        squeeze_state,
        near_contract,
        near_sessions,
        near_open_interest_t,
        receipts_t,
        squeeze_ratio,
        squeeze_percentile_ratio,
        squeeze_floor_ratio,
        off_warrant_t,
        squeeze_deliverable_ratio,
        delivered_contract,
        days_since_delivery,
        withdrawn_t,
        withdrawn_usual_t,
        null_reason,
        available_at,
        data_origin,
        payload_sha256
    from worded

)

select * from final
