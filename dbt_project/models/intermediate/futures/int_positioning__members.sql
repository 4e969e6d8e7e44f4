-- What the exchange prints of its largest members, summed by contract: the first twenty, and the first five.
with ranking as (

    {{ readings(ref('int_members__ranking')) }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

-- Of history as it was lived, a ranking that came after the day's decision is not seen.
known_ranking as (

    select
        ranking.*,
        commodities.exchange
    from ranking
    inner join commodities on ranking.commodity_code = commodities.commodity_code
    where ranking.reading = 'latest' or ranking.available_at <= ranking.decided_by

),

final as (

    select
        reading,
        exchange,
        contract_code,
        trade_date,
        'day' as session,
        cast(sum(case when board = 'long' then position_lots end) as bigint) as top20_long_lots,
        cast(sum(case when board = 'short' then position_lots end) as bigint) as top20_short_lots,
        cast(sum(case when board = 'short' then position_change_lots end) as bigint) as top20_short_change_lots,
        cast(sum(case when board = 'long' and rank <= 5 then position_lots end) as bigint) as top5_long_lots,
        cast(sum(case when board = 'short' and rank <= 5 then position_lots end) as bigint) as top5_short_lots,
        max(available_at) as available_at
    from known_ranking
    group by reading, exchange, contract_code, trade_date

)

select * from final
