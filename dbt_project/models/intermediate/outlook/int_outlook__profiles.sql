-- On which profile a decision stands, how much of it is fresh, and which inputs are late. An input that never came counts as missing but is
-- not late; full falls back only where something it had before is late, since without that exchange data would cover no more.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

inputs as (

    select * from {{ ref('stg_catalog__profile_inputs') }}

),

signals as (

    select * from {{ ref('int_outlook__signals') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

counted as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        inputs.input,
        inputs.profile,
        case when signals.signal_value is null then 'no_' else 'stale_' end || inputs.input as late_reason,
        case when signals.age_sessions <= inputs.maximum_age_sessions then 1 else 0 end as is_fresh,
        max(case when signals.signal_value is not null then 1 else 0 end)
            over (partition by decisions.commodity_code, inputs.input order by decisions.as_of_date) as has_come
    from decisions
    cross join inputs
    left join signals
        on
            decisions.commodity_code = signals.commodity_code
            and decisions.as_of_date = signals.as_of_date
            and inputs.signal = signals.signal

),

shares as (

    select
        commodity_code,
        as_of_date,
        sum(case when profile = 'full' then has_come else 0 end) as groups_seen,
        sum(case when profile = 'full' and is_fresh = 0 then has_come else 0 end) as groups_late,
        avg(cast(is_fresh as double)) as full_share,
        avg(case when profile = 'exchange' then cast(is_fresh as double) end) as exchange_share,
        {{ joined("case when is_fresh = 0 and has_come = 1 then late_reason end", 'input') }} as late_full,
        {{ joined("case when is_fresh = 0 and has_come = 1 and profile = 'exchange' then late_reason end", 'input') }} as late_exchange
    from counted
    group by commodity_code, as_of_date

),

meant as (

    select
        shares.*,
        parameters.profile_coverage_minimum,
        case
            when commodities.profile_setting <> 'auto' then commodities.profile_setting
            when shares.groups_seen >= parameters.profile_groups_minimum then 'full'
            else 'exchange'
        end as meant_profile
    from shares
    inner join commodities on shares.commodity_code = commodities.commodity_code
    inner join parameters on shares.commodity_code = parameters.commodity_code

),

judged as (

    select
        *,
        meant_profile = 'full' and full_share < profile_coverage_minimum
        -- A profile named in the catalogue is expected from the first day on.
        and (groups_late > 0 or groups_seen = 0) as is_fallback
    from meant

),

final as (

    select
        commodity_code,
        as_of_date,
        case when is_fallback then 'exchange' else meant_profile end as profile,
        is_fallback,
        case when is_fallback or meant_profile = 'exchange' then exchange_share else full_share end as coverage,
        nullif(
            concat_ws(
                ';',
                case when is_fallback then 'vendor_inputs_late' end,
                case when meant_profile = 'exchange' then late_exchange else late_full end
            ),
            ''
        ) as late_inputs
    from judged

)

select * from final
