with quotes as (

    select * from {{ ref('int_exchange__quotes') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

timed as (

    select
        commodities.commodity_code,
        commodities.commodity_code || quotes.delivery_month_code as contract_code,
        {{ delivery_month('quotes.delivery_month_code') }} as delivery_month,
        quotes.trade_date,
        -- A price of zero is none: a hole that the file fills, and a finding where the contract traded.
        nullif(quotes.open_price, 0.0) as open_cny_t,
        nullif(quotes.high_price, 0.0) as high_cny_t,
        nullif(quotes.low_price, 0.0) as low_cny_t,
        nullif(quotes.close_price, 0.0) as close_cny_t,
        nullif(quotes.settle_price, 0.0) as settle_cny_t,
        nullif(quotes.pre_settle_price, 0.0) as pre_settle_cny_t,
        quotes.volume_lots,
        quotes.open_interest_lots,
        quotes.open_interest_change_lots,
        -- Printed in 万元.
        quotes.turnover_10k_cny * 10000.0 as turnover_cny,
        quotes.source,
        quotes.data_origin,
        quotes.payload_sha256,
        quotes.fetched_at,
        {{ shanghai_time('quotes.trade_date', 'parameters.decision_time_minutes') }} as decided_by,
        {{ clock_at('quotes.trade_date', 'quotes.published_at', 'clock') }} as clock_at
    from quotes
    {{ of_commodities('quotes') }}

),

final as (

    {{ versions(
        'timed',
        keys=['commodity_code', 'contract_code', 'trade_date'],
        values=[
            'open_cny_t', 'high_cny_t', 'low_cny_t', 'close_cny_t', 'settle_cny_t', 'pre_settle_cny_t',
            'volume_lots', 'open_interest_lots', 'open_interest_change_lots', 'turnover_cny',
        ],
        decided=true
    ) }}

)

select * from final
