-- The total is the sum of detail rows over the warehouse and the factory table: the printed 总计 covers warehouses only.
-- It is null with its reason where a part of the payload was refused or its printed sums are not those of its rows.
-- Two readings (macro readings). The decided one holds only days whose receipts were known at the day's own decision: what
-- came later is as if it were not there, in the day itself and in every window.
with warehouses as (

    select * from {{ ref('int_receipts__warehouses') }}

),

deliveries as (

    select * from {{ ref('int_contracts__deliveries') }}

),

commodities as (

    select * from {{ ref('int_commodities__current') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

-- Each session of the exchange, from which one a percentile since listing would count, and the delivery before it.
sessions as (

    select
        commodities.commodity_code,
        days.trade_date,
        days.session_index,
        -- A calendar that begins after the listing cannot count the sessions since.
        case
            when min(days.trade_date) over (partition by commodities.commodity_code) <= commodities.listing_date
                then min(case when days.trade_date >= commodities.listing_date then days.session_index end)
                    over (partition by commodities.commodity_code)
        end as listing_session_index,
        max(deliveries.cycle) over elapsed as cycle,
        {{ shanghai_time('days.trade_date', 'parameters.decision_time_minutes') }} as decided_by
    from commodities
    cross join days
    inner join parameters on commodities.commodity_code = parameters.commodity_code
    left join deliveries
        on
            commodities.commodity_code = deliveries.commodity_code
            and days.session_index = deliveries.last_session_index
    window elapsed as (partition by commodities.commodity_code order by days.trade_date)

),

final as (

    select
        warehouses.reading,
        warehouses.commodity_code,
        warehouses.trade_date,
        sessions.session_index,
        sessions.listing_session_index,
        sessions.decided_by,
        sessions.cycle,
        max(warehouses.whole_reason) as whole_reason,
        case when max(warehouses.whole_reason) is null then sum(warehouses.receipts_t) end as receipts_t,
        case
            when max(warehouses.whole_reason) is null and count(warehouses.published_change_t) = count(*)
                then sum(warehouses.published_change_t)
        end as published_change_t,
        count(*) as warehouse_count,
        max(warehouses.available_at) as available_at,
        max(warehouses.source) as source,
        max(warehouses.data_origin) as data_origin,
        max(warehouses.payload_sha256) as payload_sha256
    from warehouses
    inner join sessions
        on
            warehouses.commodity_code = sessions.commodity_code
            and warehouses.trade_date = sessions.trade_date
    where warehouses.reading = 'latest' or warehouses.available_at <= sessions.decided_by
    group by
        warehouses.reading,
        warehouses.commodity_code,
        warehouses.trade_date,
        sessions.session_index,
        sessions.listing_session_index,
        sessions.decided_by,
        sessions.cycle

)

select * from final
