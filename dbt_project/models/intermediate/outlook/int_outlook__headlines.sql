-- Each statement in a few sentences, Chinese and English. The words are the catalogue's (words.toml); a sentence with a figure that is not
-- known is left out.
{%- set languages = ['en', 'zh'] %}
{%- set sentences = [
    'stated', 'parts', 'no_stance', 'record', 'forecast_called', 'forecast_no_edge', 'forecast_too_short', 'interval', 'state', 'closed', 'day',
    'two_days', 'receipts', 'premium', 'discount', 'risks', 'none', 'between_sentences', 'between_parts',
] %}

with statements as (

    select * from {{ ref('int_outlook__statements') }}

),

figures as (

    select * from {{ ref('int_outlook__figures') }}

),

forecasts as (

    select * from {{ ref('int_outlook__forecasts') }}

),

track as (

    select * from {{ ref('int_outlook__stance_track') }}

),

commodities as (

    select * from {{ ref('int_commodities__current') }}

),

words as (

    select * from {{ ref('stg_catalog__words') }}

),

sentences as (

    select
        {%- for sentence in sentences %}
        {%- for language in languages %}
        max(case when word = '{{ sentence }}' then word_{{ language }} end) as {{ sentence }}_{{ language }},
        {%- endfor %}
        {%- endfor %}
        count(*) as sentences
    from words
    where word_kind = 'sentence'

),

stances as (

    select
        cast(word as double) as stance,
        word_en,
        word_zh
    from words
    where word_kind = 'stance'

),
{%- for kind in ['horizon', 'volatility', 'tail', 'why'] %}

{{ kind }}_words as (

    select * from words
    where word_kind = '{{ kind }}'

),
{%- endfor %}

stood as (

    select
        statements.*,
        figures.dominant_contract,
        figures.close_cny_t,
        figures.ret_cc_1d_pct,
        figures.ret_c_ps_pct,
        figures.ret_cc_2d_pct,
        figures.receipts_t,
        figures.premium_rate_pct,
        forecasts.probability_up,
        forecasts.call,
        forecasts.call_reason,
        forecasts.interval80_low_cny_t,
        forecasts.interval80_high_cny_t,
        track.track_n,
        track.hit_ratio,
        track.base_ratio,
        track.track_reason,
        {%- for language in languages %}
        commodities.name_{{ language }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from statements
    inner join commodities on statements.commodity_code = commodities.commodity_code
    left join figures
        on
            statements.commodity_code = figures.commodity_code
            and statements.as_of_date = figures.as_of_date
    left join forecasts
        on
            statements.commodity_code = forecasts.commodity_code
            and statements.as_of_date = forecasts.as_of_date
            and statements.horizon = forecasts.horizon
    left join track
        on
            statements.commodity_code = track.commodity_code
            and statements.as_of_date = track.as_of_date
            and statements.horizon = track.horizon

),

-- What is said of codes; a code without words is passed over in silence.
named as (

    select
        stood.*,
        {%- for language in languages %}
        why_words.word_{{ language }} as why_{{ language }},
        coalesce(verdict_words.word_{{ language }}, '') as verdict_{{ language }},
        horizon_words.word_{{ language }} as horizon_{{ language }},
        stances.word_{{ language }} as stance_{{ language }},
        coalesce(volatility_words.word_{{ language }}, '') as volatility_{{ language }},
        coalesce(tail_words.word_{{ language }}, '') as tail_{{ language }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from stood
    left join why_words on stood.stance_reason = why_words.word
    left join why_words as verdict_words on stood.track_reason = verdict_words.word
    left join horizon_words on stood.horizon = horizon_words.word
    left join stances on stood.stance = stances.stance
    left join volatility_words on stood.volatility_regime = volatility_words.word
    left join tail_words on stood.tail = tail_words.word

),

final as (

    select
        named.commodity_code,
        named.as_of_date,
        named.horizon,
        {%- for language in languages %}
        case
            when named.is_rejected
                then {{ filled('sentences.none_' ~ language, {
                    'reasons': 'replace(named.rejections_' ~ language ~ ", ';', sentences.between_parts_" ~ language ~ ')',
                    'coverage': number_text('100.0 * coalesce(named.coverage, 0.0)', 0),
                }) }}
            else concat_ws(
                sentences.between_sentences_{{ language }},
                coalesce(
                    {{ filled('sentences.stated_' ~ language, {
                        'name': 'named.name_' ~ language,
                        'horizon': 'named.horizon_' ~ language,
                        'stance': 'named.stance_' ~ language,
                        'volatility': 'named.volatility_' ~ language,
                        'tail': 'named.tail_' ~ language,
                        'parts': "coalesce(" ~ filled('sentences.parts_' ~ language, {
                            'parts': 'replace(named.leaning_' ~ language ~ ", ';', sentences.between_parts_" ~ language ~ ')',
                        }) ~ ", '')",
                    }) }},
                    {{ filled('sentences.no_stance_' ~ language, {
                        'name': 'named.name_' ~ language, 'horizon': 'named.horizon_' ~ language, 'why': 'named.why_' ~ language,
                    }) }}
                ),
                -- A record is told of a stance that leans; one of no outcome is none.
                {{ filled('case when named.stance <> 0.0 and named.track_n > 0 then sentences.record_' ~ language ~ ' end', {
                    'n': number_text('cast(named.track_n as double)', 0),
                    'hits': number_text('100.0 * named.hit_ratio', 0),
                    'base': number_text('100.0 * named.base_ratio', 0),
                    'verdict': 'named.verdict_' ~ language,
                }) }},
                case
                    when named.call <> 0
                        then {{ filled('sentences.forecast_called_' ~ language, {'probability': number_text('100.0 * named.probability_up', 0)}) }}
                    when named.call = 0 then sentences.forecast_no_edge_{{ language }}
                    when named.call_reason like 'panel_too_short%' then sentences.forecast_too_short_{{ language }}
                end,
                {{ filled('sentences.interval_' ~ language, {
                    'low': number_text('named.interval80_low_cny_t', 0), 'high': number_text('named.interval80_high_cny_t', 0),
                }) }},
                {{ filled('sentences.state_' ~ language, {'score': number_text('named.score', 1, signed=true)}) }},
                {{ filled('sentences.closed_' ~ language, {
                    'contract': 'named.dominant_contract',
                    'close': number_text('named.close_cny_t', 0),
                    'day': "coalesce(" ~ filled('sentences.day_' ~ language, {
                        'against_settlement': number_text('named.ret_c_ps_pct', 2, signed=true),
                        'against_close': "coalesce(" ~ number_text('named.ret_cc_1d_pct', 2, signed=true) ~ ", '–')",
                    }) ~ ", '')",
                    'two_days': "coalesce("
                        ~ filled('sentences.two_days_' ~ language, {'change': number_text('named.ret_cc_2d_pct', 2, signed=true)}) ~ ", '')",
                }) }},
                {{ filled('sentences.receipts_' ~ language, {'receipts': number_text('named.receipts_t', 0)}) }},
                {{ filled(
                    'case when named.premium_rate_pct < 0.0 then sentences.discount_' ~ language ~ ' else sentences.premium_' ~ language ~ ' end',
                    {'distance': number_text('abs(named.premium_rate_pct)', 2)},
                ) }},
                {{ filled('sentences.risks_' ~ language, {
                    'risks': 'replace(named.risks_' ~ language ~ ", ';', sentences.between_parts_" ~ language ~ ')',
                }) }}
            )
        end as headline_{{ language }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from named
    cross join sentences

)

select * from final
