-- Every figure that was ever held, the reason in two languages, and what became of it up to this build's horizon.
{%- set figures = {
    'value': 'value', 'before': 'value_before', 'lowest': 'lowest', 'highest': 'highest', 'low': 'low_value', 'high': 'high_value',
} %}

with judged as (

    select * from {{ ref('int_series__judged') }}
    where {{ is_known('known_at') }}

),

receipts as (

    select
        payload_sha256,
        min(request_name) as request_name
    from {{ ref('stg_ingest__receipts') }}
    where payload_sha256 is not null
    group by payload_sha256

),

words as (

    select * from {{ ref('stg_catalog__words') }}
    where word_kind = 'held'

),

-- The figure of the same day that is believed now, perhaps from an earlier file.
believed as (

    select
        provider,
        series_id,
        obs_date,
        max(available_at) as believed_at
    from judged
    where {{ is_known('available_at') }}
    group by provider, series_id, obs_date

),

held as (

    select
        *,
        case when {{ is_known('freed_at') }} then freed_at end as free_at,
        case when {{ is_known('reviewed_at') }} then review end as known_review,
        {%- for figure, column in figures.items() %}
        {{ figure_text(column) }} as {{ figure }}_text,
        {%- endfor %}
        -- The power of ten by which the figure would be believed; the file probably counts in that multiple.
        case
            when form <> 'level' or value <= 0.0 or value_before <= 0.0 then null
            when held_rule = 'outside_bounds' and value > highest then ceil(log10(value / highest))
            when held_rule = 'outside_bounds' then -ceil(log10(lowest / value))
            when held_rule = 'another_scale' then round(log10(value / value_before))
        end as tens
    from judged
    where held_rule is not null and copy = 1

),

hinted as (

    select
        *,
        case
            when held_rule = 'outside_bounds' and value / power(10.0, tens) between lowest and highest then tens
            when held_rule = 'another_scale' and tens <> 0.0 and abs(ln(value / power(10.0, tens) / value_before)) <= day_reach then tens
        end as likely_tens
    from held

),

worded as (

    select
        hinted.*,
        receipts.request_name,
        believed.believed_at,
        coalesce(sentences.word_en, hinted.held_rule) as sentence_en,
        coalesce(sentences.word_zh, hinted.held_rule) as sentence_zh,
        coalesce(replace(hints.word_en, '{factor}', {{ number_text('power(10.0, abs(hinted.likely_tens))', 0) }}), '') as fits_en,
        coalesce(replace(hints.word_zh, '{factor}', {{ number_text('power(10.0, abs(hinted.likely_tens))', 0) }}), '') as fits_zh
    from hinted
    left join words as sentences on hinted.held_rule = sentences.word
    left join words as hints
        on case when hinted.likely_tens > 0.0 then 'divided' when hinted.likely_tens < 0.0 then 'multiplied' end = hints.word
    left join receipts on hinted.payload_sha256 = receipts.payload_sha256
    left join believed
        on
            hinted.provider = believed.provider
            and hinted.series_id = believed.series_id
            and hinted.obs_date = believed.obs_date

),

final as (

    select
        held_id,
        case
            when free_at is not null and freed_by = 'review' then 'accepted'
            when free_at is not null then 'released'
            when known_review = 'reject' then 'rejected'
            when believed_at > known_at then 'replaced'
            else 'held'
        end as held_status,
        held_rule,
        dataset,
        provider,
        series_id,
        series_name,
        obs_date,
        value,
        low_value,
        high_value,
        unit,
        value_before,
        date_before,
        {%- for language in ['en', 'zh'] %}
        {{ filled('sentence_' ~ language, {
            'series': "coalesce(series_name || ' ', '') || '(' || provider || ' ' || series_id || ')'", 'day': 'cast(obs_date as string)', 'unit': 'unit', 'read_unit': "coalesce(read_unit, '-')", 'fits': 'fits_' ~ language,
            'before_day': "coalesce(cast(date_before as string), '-')", 'before': 'before_text', 'value': 'value_text',
            'lowest': 'lowest_text', 'highest': 'highest_text', 'low': 'low_text', 'high': 'high_text',
        }) }} as reason_{{ language }},
        {%- endfor %}
        known_at as held_at,
        free_at as freed_at,
        case when free_at is not null then freed_by end as freed_by,
        known_review as review,
        case when known_review is not null then review_reason end as review_reason,
        case when known_review is not null then reviewed_at end as reviewed_at,
        request_name,
        source,
        data_origin,
        payload_sha256
    from worded

)

select * from final
