-- What a tonne costs by public figures alone, as known at each decision: inputs that an exchange quotes at their settlement, all others at dated
-- assumptions of the catalogue, each with its range. For a home without a vendor's model, and beside it where there is one: never mixed.
-- `public_quoted_use_t_t` has the scope EXCHANGE>product>case, `public_cost_cny_t` part>case; a case is low, mid or high.
{%- set cases = ['low', 'mid', 'high'] %}
{%- set parts = ['ore', 'energy', 'other'] %}

with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

terms as (

    select * from {{ ref('int_commodities__terms') }}

),

contracts as (

    select * from {{ ref('int_panel__contracts') }}
    where settle_price is not null

),

uses as (

    select
        *,
        split_part(scope, '>', 1) as exchange,
        split_part(scope, '>', 2) as product_id,
        split_part(scope, '>', 3) as case_name
    from terms
    where term = 'public_quoted_use_t_t'

),

products as (

    select distinct
        commodity_code,
        exchange,
        product_id
    from uses

),

-- Of a product's contracts the one with most open interest at the close before.
prices as (

    select *
    from (
        select
            products.commodity_code,
            products.exchange,
            products.product_id,
            contracts.trade_date,
            contracts.settle_price,
            contracts.available_at,
            contracts.data_origin,
            contracts.payload_sha256,
            row_number() over (
                partition by products.commodity_code, products.exchange, products.product_id, contracts.trade_date
                order by coalesce(contracts.open_interest_before_lots, 0) desc, contracts.delivery_month_code asc
            ) as place
        from products
        inner join contracts
            on
                products.exchange = contracts.exchange
                and products.product_id = contracts.product_id
    ) as placed
    where place = 1

),

asked as (

    select
        commodity_code,
        exchange,
        product_id,
        available_at as seen_at,
        trade_date,
        cast(null as date) as as_of_date
    from prices

    union all

    select
        decisions.commodity_code,
        products.exchange,
        products.product_id,
        decisions.decision_at as seen_at,
        cast(null as date) as trade_date,
        decisions.as_of_date
    from decisions
    inner join products on decisions.commodity_code = products.commodity_code

),

answered as (

    select
        commodity_code,
        exchange,
        product_id,
        as_of_date,
        max(trade_date) over (partition by commodity_code, exchange, product_id order by seen_at) as trade_date
    from asked

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

-- A settlement older than the limit for daily series does not count for the day.
fresh as (

    select
        answered.commodity_code,
        answered.exchange,
        answered.product_id,
        answered.as_of_date,
        case
            when answered.trade_date >= {{ add_days('answered.as_of_date', '-parameters.daily_series_maximum_age_days') }}
                then answered.trade_date
        end as trade_date
    from answered
    inner join parameters on answered.commodity_code = parameters.commodity_code
    where answered.as_of_date is not null

),

quoted as (

    select
        fresh.commodity_code,
        fresh.as_of_date,
        {%- for case in cases %}
        -- One unknown product makes the sum unknown.
        case
            when count(prices.settle_price) = count(*)
                then sum(case when uses.case_name = '{{ case }}' then uses.term_value * prices.settle_price else 0.0 end)
        end as quoted_{{ case }}_cny_t,
        {%- endfor %}
        min(prices.trade_date) as quoted_date,
        max(prices.available_at) as available_at,
        max(prices.data_origin) as data_origin,
        max(prices.payload_sha256) as payload_sha256
    from fresh
    inner join uses
        on
            fresh.commodity_code = uses.commodity_code
            and fresh.exchange = uses.exchange
            and fresh.product_id = uses.product_id
            and {{ in_force('uses', 'fresh.as_of_date') }}
    left join prices
        on
            fresh.commodity_code = prices.commodity_code
            and fresh.exchange = prices.exchange
            and fresh.product_id = prices.product_id
            and fresh.trade_date = prices.trade_date
    group by fresh.commodity_code, fresh.as_of_date

),

assumed as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        {%- for part in parts %}
        max(case when terms.scope = '{{ part }}>mid' then terms.term_value end) as {{ part }}_cost_cny_t,
        {%- endfor %}
        {%- for case in cases %}
        case
            when count(case when terms.scope like '%>{{ case }}' then 1 end) = {{ parts | length }}
                then sum(case when terms.scope like '%>{{ case }}' then terms.term_value end)
        end as assumed_{{ case }}_cny_t
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from decisions
    inner join terms
        on
            decisions.commodity_code = terms.commodity_code
            and terms.term = 'public_cost_cny_t'
            and {{ in_force('terms', 'decisions.as_of_date') }}
    group by decisions.commodity_code, decisions.as_of_date

),

final as (

    select
        quoted.commodity_code,
        quoted.as_of_date,
        decisions.session_index,
        decisions.decision_at,
        {%- for case in cases %}
        quoted.quoted_{{ case }}_cny_t + assumed.assumed_{{ case }}_cny_t as cost_{{ case }}_cny_t,
        {%- endfor %}
        assumed.ore_cost_cny_t,
        quoted.quoted_mid_cny_t as caustic_cost_cny_t,
        assumed.energy_cost_cny_t,
        assumed.other_cost_cny_t,
        quoted.quoted_date as cost_date,
        quoted.available_at,
        quoted.data_origin,
        quoted.payload_sha256
    from quoted
    inner join decisions
        on
            quoted.commodity_code = decisions.commodity_code
            and quoted.as_of_date = decisions.as_of_date
    left join assumed
        on
            quoted.commodity_code = assumed.commodity_code
            and quoted.as_of_date = assumed.as_of_date
    where quoted.quoted_date is not null

)

select * from final
