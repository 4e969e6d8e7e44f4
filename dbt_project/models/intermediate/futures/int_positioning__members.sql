-- What the exchange prints of its largest members, summed by contract: the first twenty, and the first five.
with ranking as (

    {{ readings(ref('int_members__ranking')) }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

-- In the decided reading a ranking that came after the day's decision does not count.
known_ranking as (

    select
        ranking.*,
        commodities.exchange
    from ranking
    inner join commodities on ranking.commodity_code = commodities.commodity_code
    where ranking.reading = 'latest' or ranking.available_at <= ranking.decided_by

),

summed as (

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
        {%- for board in ['long', 'short'] %}
        count(case when board = '{{ board }}' then 1 end) as {{ board }}_places,
        max(case when board = '{{ board }}' then whole_reason end) as {{ board }}_reason,
        {%- endfor %}
        count(case when board = 'short' and position_change_lots is null then 1 end) as changes_unknown,
        max(available_at) as available_at
    from known_ranking
    group by reading, exchange, contract_code, trade_date

),

-- Sums over an incomplete board are unknown.
final as (

    select
        reading,
        exchange,
        contract_code,
        trade_date,
        session,
        case when long_reason is null then top20_long_lots end as top20_long_lots,
        case when short_reason is null then top20_short_lots end as top20_short_lots,
        case when short_reason is null and changes_unknown = 0 then top20_short_change_lots end as top20_short_change_lots,
        case when long_reason is null then top5_long_lots end as top5_long_lots,
        case when short_reason is null then top5_short_lots end as top5_short_lots,
        case
            when long_reason is not null then long_reason
            when short_reason is not null then short_reason
            when long_places = 0 or short_places = 0 or changes_unknown > 0 then 'part_missing'
        end as members_reason,
        available_at
    from summed

)

select * from final
