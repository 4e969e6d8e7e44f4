with quotes as (

    select * from {{ ref('int_exchange__quotes') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

timed as (

    select
        commodities.commodity_code,
        commodities.commodity_code || quotes.delivery_month_code as contract_code,
        {{ delivery_month('quotes.delivery_month_code') }} as delivery_month,
        quotes.trade_date,
        quotes.open_price as open_cny_t,
        quotes.high_price as high_cny_t,
        quotes.low_price as low_cny_t,
        quotes.close_price as close_cny_t,
        quotes.settle_price as settle_cny_t,
        quotes.pre_settle_price as pre_settle_cny_t,
        quotes.volume_lots,
        quotes.open_interest_lots,
        quotes.open_interest_change_lots,
        -- Printed in 万元.
        quotes.turnover_10k_cny * 10000.0 as turnover_cny,
        quotes.source,
        quotes.data_origin,
        quotes.payload_sha256,
        quotes.fetched_at,
        {{ available_at('quotes.trade_date', 'quotes.published_at', 'clock') }} as available_at
    from quotes
    inner join commodities
        on
            quotes.product_id = commodities.product_id
            and quotes.exchange = commodities.exchange
    inner join clock on quotes.dataset = clock.dataset

),

final as (

    select
        *,
        {{ vintage(['commodity_code', 'contract_code', 'trade_date']) }} as vintage,
        {{ is_latest(['commodity_code', 'contract_code', 'trade_date']) }} as is_latest
    from timed

)

select * from final
