-- The engine of stances, second half: the parts of a horizon become where the evidence leans, with its reason in codes and in words. No
-- probability is made of it. Parts that say nothing drop out and the weights of the others count whole.
with leans as (

    select * from {{ ref('int_outlook__leans') }}

),

configured as (

    select * from {{ ref('stg_catalog__stances') }}

),

profiles as (

    select * from {{ ref('int_outlook__profiles') }}

),

fired as (

    select * from {{ ref('int_outlook__rules') }}
    where has_fired

),

effects as (

    select * from {{ ref('stg_catalog__rule_effects') }}
    where effect = 'flag'

),

day_flags as (

    select distinct
        fired.commodity_code,
        fired.as_of_date,
        effects.effect_text as flag
    from fired
    inner join effects
        on
            fired.rule_id = effects.rule_id
            and fired.valid_from = effects.valid_from

),

-- What a day's flags do to a horizon: hold it at one level, or find its evidence divided.
caught as (

    select
        day_flags.commodity_code,
        day_flags.as_of_date,
        configured.horizon,
        configured.valid_from,
        {{ joined(
            "case when position(';' || day_flags.flag || ';' in ';' || configured.capped_by || ';') > 0 then day_flags.flag end", 'day_flags.flag'
        ) }} as capping_flags,
        max(case when configured.divided_by = day_flags.flag then 1 else 0 end) = 1 as is_divided
    from day_flags
    cross join configured
    group by day_flags.commodity_code, day_flags.as_of_date, configured.horizon, configured.valid_from

),

said as (

    select
        *,
        case
            when round(lean_value) > 0.0 then '+' || cast(cast(round(lean_value) as bigint) as string)
            when round(lean_value) < 0.0 then cast(cast(round(lean_value) as bigint) as string)
        end as lean_text
    from leans

),

{%- set known_weight = 'case when lean_value is not null then weight end' %}

summed as (

    select
        commodity_code,
        as_of_date,
        horizon,
        lean_valid_from,
        coalesce(sum({{ known_weight }}), 0.0) / sum(weight) as evidence_share,
        {{ exact_sum('lean_value * weight') }} / {{ exact_sum(known_weight) }} as mean_lean,
        sum(sign(lean_value)) as net_lean,
        count(case when lean_value > 0.0 then 1 end) as parts_up,
        count(case when lean_value < 0.0 then 1 end) as parts_down,
        {{ joined("part || ':' || lean_text", 'part') }} as leaning,
        {{ joined("part_name || ' ' || lean_text", 'abs(lean_value) desc, part') }} as leaning_en,
        {{ joined("part_name_zh || lean_text", 'abs(lean_value) desc, part') }} as leaning_zh
    from said
    group by commodity_code, as_of_date, horizon, lean_valid_from

),

weighed as (

    select
        summed.*,
        profiles.profile,
        configured.profile as needed_profile,
        configured.evidence_minimum,
        case configured.stance_method when 'mean' then summed.mean_lean else summed.net_lean end as lean,
        configured.first_step,
        configured.second_step,
        caught.capping_flags,
        coalesce(caught.is_divided, false)
        and least(summed.parts_up, summed.parts_down) >= configured.divided_from as is_divided
    from summed
    inner join configured
        on
            summed.horizon = configured.horizon
            and summed.lean_valid_from = configured.valid_from
    inner join profiles
        on
            summed.commodity_code = profiles.commodity_code
            and summed.as_of_date = profiles.as_of_date
    left join caught
        on
            summed.commodity_code = caught.commodity_code
            and summed.as_of_date = caught.as_of_date
            and summed.horizon = caught.horizon
            and summed.lean_valid_from = caught.valid_from

),

stepped as (

    select
        *,
        case
            when needed_profile = 'full' and profile <> 'full' then 'needs_fundamentals'
            when evidence_share < evidence_minimum then 'evidence_below_minimum'
        end as null_reason,
        sign(lean) * case when abs(lean) >= second_step then 2.0 when abs(lean) >= first_step then 1.0 else 0.0 end as step
    from weighed

),

final as (

    select
        commodity_code,
        as_of_date,
        horizon,
        evidence_share,
        lean,
        cast(case
            when null_reason is not null then null
            when is_divided then 0.0
            when capping_flags is not null then greatest(-1.0, least(1.0, step))
            else step
        end as double) as stance,
        coalesce(
            null_reason,
            concat_ws(
                ';',
                coalesce(leaning, 'no_part_leans'),
                case when is_divided then 'divided' end,
                case when abs(step) > 1.0 then 'capped_by:' || replace(capping_flags, ';', ',') end
            )
        ) as stance_reason,
        case when null_reason is null then leaning_en end as leaning_en,
        case when null_reason is null then leaning_zh end as leaning_zh
    from stepped

)

select * from final
