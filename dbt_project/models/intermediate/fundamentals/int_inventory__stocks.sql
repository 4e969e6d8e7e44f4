-- Vendor stocks by place, the exchange's warrants beside them, and once a week the sum of all.
with parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

series as (

    select * from {{ ref('int_series__values') }}
    where is_latest and role in ('stock_smelter', 'stock_port', 'stock_transit') and unit = 't'

),

receipts as (

    select * from {{ ref('int_receipts__daily') }}
    where reading = 'latest'

),

vendor_stocks as (

    select
        commodity_code,
        provider,
        replace(role, 'stock_', '') as stock_kind,
        region,
        frequency,
        obs_date as period_end,
        value / 1000.0 as stock_kt,
        available_at,
        source,
        data_origin,
        payload_sha256
    from series

),

-- The week of the balance ends where the smelters' stocks are counted.
weeks as (

    select
        commodity_code,
        provider,
        frequency,
        region,
        period_end,
        available_at,
        source,
        data_origin,
        payload_sha256
    from vendor_stocks
    where stock_kind = 'smelter'

),

-- The days whose figures a week may use, its own day first.
week_days as (

    select
        weeks.*,
        {{ add_days('weeks.period_end', '-weeks.days_before') }} as day
    from (
        select
            weeks.*,
            {{ each_of(numbers('parameters.weekly_gap_maximum_days + 1')) }} as days_before
        from weeks
        inner join parameters on weeks.commodity_code = parameters.commodity_code
    ) as weeks

),

exchange_stocks as (

    select
        week_days.commodity_code,
        week_days.provider,
        'receipts' as stock_kind,
        week_days.region,
        week_days.frequency,
        week_days.period_end,
        receipts.receipts_t / 1000.0 as stock_kt,
        receipts.available_at,
        receipts.source,
        receipts.data_origin,
        receipts.payload_sha256,
        row_number() over (
            partition by week_days.commodity_code, week_days.provider, week_days.frequency, week_days.region, week_days.period_end
            order by week_days.day desc
        ) as place
    from week_days
    inner join receipts
        on
            week_days.commodity_code = receipts.commodity_code
            and week_days.day = receipts.trade_date

),

stocks as (

    select * from vendor_stocks

    union all

    select
        commodity_code,
        provider,
        stock_kind,
        region,
        frequency,
        period_end,
        stock_kt,
        available_at,
        source,
        data_origin,
        payload_sha256
    from exchange_stocks
    where place = 1

),

-- Every kind of the vendor as it last stood at the week's end.
placed as (

    select
        week_days.commodity_code,
        week_days.provider,
        week_days.frequency,
        week_days.region,
        week_days.period_end,
        stocks.stock_kind,
        stocks.stock_kt,
        stocks.available_at,
        row_number() over (
            partition by
                week_days.commodity_code, week_days.provider, week_days.frequency, week_days.region, week_days.period_end, stocks.stock_kind
            order by week_days.day desc
        ) as place
    from week_days
    inner join stocks
        on
            week_days.commodity_code = stocks.commodity_code
            and week_days.provider = stocks.provider
            and week_days.day = stocks.period_end

),

sums as (

    select
        weeks.commodity_code,
        weeks.provider,
        'all' as stock_kind,
        weeks.region,
        weeks.frequency,
        weeks.period_end,
        {{ exact_sum('placed.stock_kt') }} as stock_kt,
        -- What stands in the sum: two sums of different kinds make no change.
        {{ joined('placed.stock_kind', 'placed.stock_kind') }} as stock_kinds,
        max(placed.available_at) as available_at,
        weeks.source,
        weeks.data_origin,
        weeks.payload_sha256
    from weeks
    inner join placed
        on
            weeks.commodity_code = placed.commodity_code
            and weeks.provider = placed.provider
            and weeks.frequency = placed.frequency
            and weeks.region = placed.region
            and weeks.period_end = placed.period_end
            and placed.place = 1
    group by
        weeks.commodity_code, weeks.provider, weeks.region, weeks.frequency, weeks.period_end,
        weeks.source, weeks.data_origin, weeks.payload_sha256

),

final as (

    select
        commodity_code,
        provider,
        stock_kind,
        region,
        frequency,
        period_end,
        stock_kt,
        stock_kind as stock_kinds,
        available_at,
        source,
        data_origin,
        payload_sha256
    from stocks

    union all

    select
        commodity_code,
        provider,
        stock_kind,
        region,
        frequency,
        period_end,
        stock_kt,
        stock_kinds,
        available_at,
        source,
        data_origin,
        payload_sha256
    from sums

)

select * from final
