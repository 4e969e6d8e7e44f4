-- Every contract of every product as it was known, session by session: prices where it traded, open interest of the session before, return on
-- the contract itself, sessions to its last trading day. Nothing here is spliced.
with quotes as (

    select * from {{ ref('int_exchange__quotes') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

expiries as (

    select * from {{ ref('int_panel__expiries') }}

),

timed as (

    select
        quotes.exchange,
        quotes.product_id,
        quotes.delivery_month_code,
        quotes.trade_date,
        -- A price of zero is none, and where nothing traded none was made: the exchange fills in the settlement.
        {%- for price in ['open', 'high', 'low', 'close'] %}
        case when quotes.volume_lots > 0 then nullif(quotes.{{ price }}_price, 0.0) end as {{ price }}_price,
        {%- endfor %}
        nullif(quotes.settle_price, 0.0) as settle_price,
        nullif(quotes.pre_settle_price, 0.0) as pre_settle_price,
        quotes.volume_lots,
        quotes.open_interest_lots,
        quotes.open_interest_change_lots,
        quotes.data_origin,
        quotes.payload_sha256,
        quotes.fetched_at,
        {{ shanghai_time('quotes.trade_date', 'parameters.decision_time_minutes') }} as decided_by,
        {{ clock_at('quotes.trade_date', 'quotes.published_at', 'clock') }} as clock_at
    from quotes
    inner join clock on quotes.dataset = clock.dataset
    cross join parameters

),

versions as (

    {{ versions(
        'timed',
        keys=['exchange', 'product_id', 'delivery_month_code', 'trade_date'],
        values=[
            'open_price', 'high_price', 'low_price', 'close_price', 'settle_price', 'pre_settle_price', 'volume_lots', 'open_interest_lots',
            'open_interest_change_lots',
        ],
        decided=true
    ) }}

),

paired as (

    select
        told.*,
        days.session_index,
        expiries.last_session_index,
        expiries.last_session_index - days.session_index as sessions_left,
        lag(days.session_index) over contract_days = days.session_index - 1 as has_session_before,
        lag(told.close_price) over contract_days as earlier_close_price,
        lag(told.open_interest_lots) over contract_days as earlier_open_interest_lots,
        lag(told.available_at) over contract_days as earlier_available_at
    from versions as told
    inner join days on told.trade_date = days.trade_date
    left join expiries
        on
            told.exchange = expiries.exchange
            and told.product_id = expiries.product_id
            and told.delivery_month_code = expiries.delivery_month_code
            and days.known_until = expiries.known_until
    where told.is_decided
    window contract_days as (partition by told.exchange, told.product_id, told.delivery_month_code order by told.trade_date)

),

final as (

    select
        exchange,
        product_id,
        delivery_month_code,
        trade_date,
        session_index,
        last_session_index,
        sessions_left,
        open_price,
        high_price,
        low_price,
        close_price,
        settle_price,
        pre_settle_price,
        volume_lots,
        open_interest_lots,
        coalesce(case when has_session_before then earlier_open_interest_lots end, open_interest_lots - open_interest_change_lots)
            as open_interest_before_lots,
        case when has_session_before then ln(close_price / earlier_close_price) end as log_return,
        case
            when close_price is null then 'no_trade'
            when has_session_before is not true then 'no_session_before'
            when earlier_close_price is null then 'no_trade_before'
        end as break_reason,
        greatest(available_at, case when has_session_before then earlier_available_at else available_at end) as available_at,
        decided_by,
        data_origin,
        payload_sha256,
        fetched_at
    from paired

)

select * from final
