-- What fired rules did and the levels around the close, as rows: what the outlook lists as text.
with fired as (

    select * from {{ ref('int_outlook__rules') }}
    where has_fired

),

texts as (

    select * from {{ ref('stg_catalog__rules') }}

),

effects as (

    select
        rule_id,
        valid_from,
        effect,
        effect_text
    from {{ ref('stg_catalog__rule_effects') }}
    where effect in ('flag', 'weaken', 'conflict', 'watch')
    group by rule_id, valid_from, effect, effect_text

),

levels as (

    select * from {{ ref('int_outlook__levels') }}
    where side is not null

),

sides as (

    select * from {{ ref('stg_catalog__words') }}
    where word_kind = 'side'

),

final as (

    select
        fired.commodity_code,
        fired.as_of_date,
        effects.effect as driver_kind,
        fired.rule_id || ':' || effects.effect_text as driver,
        texts.rule_name as driver_name,
        texts.rule_name_zh as driver_name_zh,
        fired.rule_id,
        effects.effect_text as signal,
        '-' as unit,
        cast(null as double) as signal_value,
        cast(null as date) as data_date,
        fired.config_version,
        cast(null as string) as payload_sha256
    from fired
    inner join effects
        on
            fired.rule_id = effects.rule_id
            and fired.valid_from = effects.valid_from
    inner join texts
        on
            fired.rule_id = texts.rule_id
            and fired.valid_from = texts.valid_from

    union all

    select
        levels.commodity_code,
        levels.as_of_date,
        'level' as driver_kind,
        levels.level_kind || ':' || cast(round(levels.level_cny_t, 2) as string) as driver,
        sides.word_en as driver_name,
        sides.word_zh as driver_name_zh,
        '' as rule_id,
        levels.level_kind as signal,
        'CNY/t' as unit,
        levels.level_cny_t as signal_value,
        levels.data_date,
        cast(null as string) as config_version,
        levels.payload_sha256
    from levels
    inner join sides on levels.side = sides.word

)

select * from final
