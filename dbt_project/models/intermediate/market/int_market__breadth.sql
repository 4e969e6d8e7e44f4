{% set names = ['decision_time_minutes', 'breadth_minimum_products', 'sector_breadth_minimum_products'] -%}

-- How much of the market rises: the share of products whose dominant contract is above its close five sessions before, of all products quoted
-- and of each sector. A product's dominant contract here is the one with most open interest at the close before; a configured commodity's
-- roll rule needs dated facts that other products do not have.
with quotes as (

    select * from {{ ref('int_exchange__quotes') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

products as (

    select * from {{ ref('stg_catalog__products') }}

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

-- The market is nobody's own: what holds for all commodities holds for it.
parameters as (

    select
        {%- for name in names %}
        max(case when parameter = '{{ name }}' then parameter_value end) as {{ name }},
        {%- endfor %}
        count(*) as parameters
    from {{ ref('stg_catalog__parameters') }}
    where commodity_code = '*'

),

timed as (

    select
        quotes.*,
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
        values=['close_price', 'volume_lots', 'open_interest_lots', 'open_interest_change_lots'],
        decided=true
    ) }}

),

told as (

    {{ readings('versions') }}

),

-- The row of the session before and of five sessions before; a session that is missing in between, or in the decided reading had not come
-- by the row's own decision, is never bridged.
paired as (

    select
        told.*,
        {%- for sessions, columns in [(1, ['open_interest_lots', 'available_at']), (5, ['volume_lots', 'close_price', 'available_at'])] %}
        {%- for column in columns %}
        case
            when
                lag(days.session_index, {{ sessions }}) over contract_days = days.session_index - {{ sessions }}
                and {{ had_come('max(told.available_at) over prior_' ~ sessions, 'told') }}
                then lag(told.{{ column }}, {{ sessions }}) over contract_days
        end as {{ column }}_{{ sessions }},
        {%- endfor %}
        {%- endfor %}
        days.session_index
    from told
    inner join days on told.trade_date = days.trade_date
    window
        contract_days as (
            partition by told.reading, told.exchange, told.product_id, told.delivery_month_code
            order by told.trade_date
        ),
        prior_1 as (
            partition by told.reading, told.exchange, told.product_id, told.delivery_month_code
            order by told.trade_date
            rows between 1 preceding and 1 preceding
        ),
        prior_5 as (
            partition by told.reading, told.exchange, told.product_id, told.delivery_month_code
            order by told.trade_date
            rows between 5 preceding and 1 preceding
        )

),

-- Both ends of a return must have traded. Whether a contract is ranked hangs on its own row alone.
contracts as (

    select
        reading,
        exchange,
        product_id,
        delivery_month_code,
        trade_date,
        decided_by,
        data_origin,
        payload_sha256,
        available_at,
        coalesce(open_interest_lots_1, open_interest_lots - open_interest_change_lots) as open_interest_before,
        case when volume_lots > 0 then close_price end as close_price,
        case when volume_lots_5 > 0 then close_price_5 end as close_before_5,
        greatest(available_at, coalesce(available_at_1, available_at), coalesce(available_at_5, available_at)) as known_at
    from paired

),

ranked as (

    select
        *,
        row_number() over (
            partition by reading, exchange, product_id, trade_date
            order by open_interest_before desc, delivery_month_code asc
        ) as place
    from contracts
    where open_interest_before > 0 and (reading = 'latest' or available_at <= decided_by)

),

returns as (

    select
        ranked.*,
        products.sector,
        {{ pct('ranked.close_price', 'ranked.close_before_5') }} as ret_cc_5d_pct
    from ranked
    left join products
        on
            ranked.exchange = products.exchange
            and ranked.product_id = products.product_id
            and ranked.trade_date >= products.valid_from
    where ranked.place = 1

),

grouped as (

    {%- for market, minimum in [("'all'", 'parameters.breadth_minimum_products'), ('returns.sector', 'parameters.sector_breadth_minimum_products')] %}
    select
        returns.reading,
        {{ market }} as market,
        returns.trade_date,
        count(returns.ret_cc_5d_pct) as products,
        {{ minimum }} as minimum_products,
        avg(cast(case when returns.ret_cc_5d_pct > 0.0 then 1.0 when returns.ret_cc_5d_pct <= 0.0 then 0.0 end as double)) as rising_share,
        max(returns.known_at) as available_at,
        max(returns.data_origin) as data_origin,
        max(returns.payload_sha256) as payload_sha256
    from returns
    cross join parameters
    where {{ market }} is not null
    group by returns.reading, {{ market }}, returns.trade_date, {{ minimum }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

final as (

    select
        reading,
        market,
        trade_date,
        products,
        case when products >= minimum_products then rising_share end as breadth_5d,
        case
            when products < minimum_products then 'fewer_than_' || cast(cast(minimum_products as bigint) as string) || '_products'
        end as null_reason,
        available_at,
        data_origin,
        payload_sha256
    from grouped

)

select * from final
