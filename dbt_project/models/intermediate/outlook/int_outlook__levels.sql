-- The levels a decision speaks of, one row each, also where a level is of several kinds: those of the newest quotes it knew, below or above
-- their close. Multiples of the small step and price limits are left out; they are no news.
with signals as (

    select * from {{ ref('int_outlook__signals') }}
    where signal = 'volume_oi_ratio'

),

futures as (

    select * from {{ ref('int_futures__daily') }}
    where reading = 'decided' and is_dominant

),

levels as (

    select
        commodity_code,
        trade_date,
        level_cny_t,
        {{ joined('level_kind', 'level_kind') }} as level_kind,
        max(case when level_kind = 'major' then 1 else 0 end) = 1 as is_major,
        max(payload_sha256) as payload_sha256
    from {{ ref('int_price__levels') }}
    where reading = 'decided' and level_kind not in ('round', 'limit_up', 'limit_down')
    group by commodity_code, trade_date, level_cny_t

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

final as (

    select
        signals.commodity_code,
        signals.as_of_date,
        signals.data_date,
        levels.level_cny_t,
        levels.level_kind,
        case when levels.level_cny_t < futures.close_cny_t then 'support' when levels.level_cny_t > futures.close_cny_t then 'resistance' end as side,
        levels.is_major
        and 100.0 * least(abs(levels.level_cny_t / futures.close_cny_t - 1.0), abs(levels.level_cny_t / futures.high_cny_t - 1.0))
        <= parameters.level_near_pct as is_trigger,
        levels.payload_sha256
    from signals
    inner join parameters on signals.commodity_code = parameters.commodity_code
    inner join futures
        on
            signals.commodity_code = futures.commodity_code
            and signals.data_date = futures.trade_date
    inner join levels
        on
            signals.commodity_code = levels.commodity_code
            and signals.data_date = levels.trade_date

)

select * from final
