-- Prices people look at, from the dominant contract as it traded: unadjusted, so a level never moves when a contract is rolled.
-- A cost, a parity and what the best carry leaves nothing at are levels, too, as far as they were known at the day's decision.
with chain as (

    select * from {{ ref('int_price__chain') }}

),

sessions as (

    select * from {{ ref('int_futures__session') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

fundamentals as (

    select * from {{ ref('int_fundamentals__known') }}

),

carry as (

    select
        reading,
        commodity_code,
        trade_date,
        {{ arg_max('spot_cny_t + break_even_premium_cny_t', 'net_cny_t') }} as carry_break_even_cny_t,
        max(available_at) as available_at
    from {{ ref('int_carry__daily') }}
    where is_best_pair and contract_role = 'dominant'
    group by reading, commodity_code, trade_date

),

-- From the lowest multiple of the step within the range up, as long as they are within it.
multiples as (

    {%- for kind, step in [('round', 'level_round_step_cny_t'), ('major', 'level_major_step_cny_t')] %}
    select
        reading,
        commodity_code,
        trade_date,
        '{{ kind }}' as level_kind,
        level_step_cny_t * (lowest_multiple + steps_above) as level_cny_t
    from (
        select
            *,
            {{ each_of(numbers('highest_cny_t / level_step_cny_t - lowest_multiple + 2')) }} as steps_above
        from (
            select
                chain.reading,
                chain.commodity_code,
                chain.trade_date,
                parameters.{{ step }} as level_step_cny_t,
                ceil(chain.close_cny_t * (1.0 - parameters.level_range_ratio) / parameters.{{ step }}) as lowest_multiple,
                chain.close_cny_t * (1.0 + parameters.level_range_ratio) as highest_cny_t
            from chain
            inner join parameters on chain.commodity_code = parameters.commodity_code
        ) as ranges
    ) as counted
    where level_step_cny_t * (lowest_multiple + steps_above) <= highest_cny_t
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

levels as (

    select
        *,
        {{ no_moment() }} as known_at
    from multiples

    {%- for kind, level, known_at in [
        ('stage_high_20', 'stage_high_20', 'window_20_at'), ('stage_low_20', 'stage_low_20', 'window_20_at'),
        ('stage_high_60', 'stage_high_60', 'window_60_at'), ('stage_low_60', 'stage_low_60', 'window_60_at'),
        ('center', 'center_cny_t', 'center_at'),
        ('limit_up', 'limit_up_cny_t', 'limits_available_at'), ('limit_down', 'limit_down_cny_t', 'limits_available_at'),
    ] %}

    union all

    select
        reading,
        commodity_code,
        trade_date,
        '{{ kind }}' as level_kind,
        {{ level }} as level_cny_t,
        {{ known_at }} as known_at
    from chain
    where {{ level }} is not null
    {%- endfor %}

    {%- for kind, level in [
        ('cost_daily', 'cost_full_cny_t'), ('cost_monthly', 'cost_full_monthly_cny_t'), ('import_parity', 'parity_cny_t'),
    ] %}

    union all

    select
        chain.reading,
        chain.commodity_code,
        chain.trade_date,
        '{{ kind }}' as level_kind,
        fundamentals.{{ level }} as level_cny_t,
        fundamentals.decision_at as known_at
    from chain
    inner join fundamentals
        on
            chain.commodity_code = fundamentals.commodity_code
            and chain.trade_date = fundamentals.as_of_date
    where fundamentals.{{ level }} is not null
    {%- endfor %}

    union all

    select
        chain.reading,
        chain.commodity_code,
        chain.trade_date,
        'carry_break_even' as level_kind,
        carry.carry_break_even_cny_t as level_cny_t,
        carry.available_at as known_at
    from chain
    inner join carry
        on
            chain.reading = carry.reading
            and chain.commodity_code = carry.commodity_code
            and chain.trade_date = carry.trade_date
    where carry.carry_break_even_cny_t is not null

),

-- The first part of the trade date that traded above the level; without bars only the day is known.
first_above as (

    select
        levels.reading,
        levels.commodity_code,
        levels.trade_date,
        levels.level_kind,
        levels.level_cny_t,
        min(case sessions.session when 'night' then 1 when 'am1' then 2 when 'am2' then 3 else 4 end) as part
    from levels
    inner join chain
        on
            levels.reading = chain.reading
            and levels.commodity_code = chain.commodity_code
            and levels.trade_date = chain.trade_date
    inner join sessions
        on
            chain.reading = sessions.reading
            and chain.contract_code = sessions.contract_code
            and chain.trade_date = sessions.trade_date
            and levels.level_cny_t < sessions.session_high_cny_t
    group by levels.reading, levels.commodity_code, levels.trade_date, levels.level_kind, levels.level_cny_t

),

judged as (

    select
        levels.reading,
        levels.commodity_code,
        levels.trade_date,
        levels.level_kind,
        levels.level_cny_t,
        chain.contract_code,
        chain.prior_high_20d_cny_t,
        chain.high_cny_t > levels.level_cny_t and levels.level_cny_t >= chain.prior_high_20d_cny_t as is_broken,
        first_above.part,
        -- The 20 sessions before decide whether it is broken.
        greatest(chain.available_at, chain.window_20_at, levels.known_at) as available_at,
        chain.data_origin,
        chain.payload_sha256
    from levels
    inner join chain
        on
            levels.reading = chain.reading
            and levels.commodity_code = chain.commodity_code
            and levels.trade_date = chain.trade_date
    left join first_above
        on
            levels.reading = first_above.reading
            and levels.commodity_code = first_above.commodity_code
            and levels.trade_date = first_above.trade_date
            and levels.level_kind = first_above.level_kind
            and levels.level_cny_t = first_above.level_cny_t

),

final as (

    select
        reading,
        commodity_code,
        trade_date,
        level_kind,
        level_cny_t,
        contract_code,
        prior_high_20d_cny_t,
        is_broken,
        case
            when is_broken
                then case part when 1 then 'night' when 2 then 'am1' when 3 then 'am2' when 4 then 'pm' else 'day' end
        end as broken_session,
        case
            when prior_high_20d_cny_t is null then 'fewer_than_20_sessions_before'
            when is_broken is null then 'no_high_printed'
        end as null_reason,
        available_at,
        data_origin,
        payload_sha256
    from judged

)

select * from final
