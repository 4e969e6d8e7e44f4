-- Arithmetic that must hold inside what the sources print. A breach is a finding for people to look at: a trimmed file breaks
-- its own totals honestly, and a market that breaks an identity is news. Only rows that break one are kept. A finding is known from
-- available_at on, when the last of the figures it is made of was: sums are made of whole payloads before any horizon cuts them.
{%- set printed = {
    'quotes': (ref('int_exchange__quotes'), 'printed.dataset', ['dataset', 'trade_date', 'product_id']),
    'totals': (ref('int_exchange__totals'), 'printed.dataset', ['dataset', 'trade_date', 'product_id']),
    'receipts': (ref('int_exchange__receipts'), 'printed.dataset', ['dataset', 'trade_date', 'product_id']),
    'ranking': (ref('stg_shfe__member_ranking'), "'shfe__member_ranking'", ['trade_date']),
    'trading_days': (ref('stg_shfe__trading_day'), "'shfe__trading_day'", ['trade_date']),
    'parameters': (ref('stg_shfe__settlement_parameters'), "'shfe__settlement_parameters'", ['trade_date']),
    'margins': (ref('stg_shfe__margins_fees'), "'shfe__margins_fees'", ['trade_date']),
} %}

with clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),
{%- for name, (table, dataset, keys) in printed.items() %}

{{ name }} as (

    select
        *,
        {{ known_from(keys) }} as available_at
    from (
        select
            printed.*,
            {{ clock_at('printed.trade_date', 'printed.published_at', 'clock') }} as clock_at
        from {{ table }} as printed
        inner join clock on {{ dataset }} = clock.dataset
    ) as clocked

),
{%- endfor %}

contracts as (

    select * from {{ ref('int_contracts__quotes') }}

),

specs as (

    select * from {{ ref('int_commodities__specs') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

products as (

    select * from {{ ref('stg_catalog__products') }}

),

calendar as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

levels as (

    select * from {{ ref('int_receipts__daily') }}
    where reading = 'latest'

),

futures as (

    select * from {{ ref('int_futures__daily') }}
    where reading = 'latest'

),

sessions as (

    select * from {{ ref('int_futures__session') }}
    where reading = 'latest'

),

-- A price beyond the limit is impossible on the exchange: the limit we hold for the day is stale.
stale_limits as (

    {%- for price, limit, beyond in [('high_cny_t', 'limit_up_cny_t', '>'), ('low_cny_t', 'limit_down_cny_t', '<')] %}
    select
        'int_futures__daily' as table_name,
        trade_date,
        contract_code || ' {{ price }}' as subject,
        {{ limit }} as expected_value,
        {{ price }} as found_value,
        available_at,
        payload_sha256
    from futures
    where {{ price }} {{ beyond }} {{ limit }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

-- Bars of a vendor against the exchange's own day.
session_prices as (

    {%- for price, day_price, beyond in [('session_high_cny_t', 'high_cny_t', '>'), ('session_low_cny_t', 'low_cny_t', '<')] %}
    select
        'fct_futures_session' as table_name,
        sessions.trade_date,
        sessions.contract_code || ' ' || sessions.session || ' {{ price }}' as subject,
        futures.{{ day_price }} as expected_value,
        sessions.{{ price }} as found_value,
        greatest(sessions.available_at, futures.available_at) as available_at,
        sessions.payload_sha256
    from sessions
    inner join futures
        on
            sessions.contract_code = futures.contract_code
            and sessions.trade_date = futures.trade_date
    where sessions.{{ price }} {{ beyond }} futures.{{ day_price }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

series as (

    select * from {{ ref('int_series__values') }}

),

-- Configured commodities by their dated facts, all other products of the exchange by the one row there is of them.
settled as (

    select
        'int_contracts__quotes' as table_name,
        contracts.trade_date,
        contracts.contract_code as subject,
        contracts.turnover_cny,
        contracts.volume_lots * specs.contract_size_t as quantity,
        specs.tick_cny_t as tick,
        contracts.settle_cny_t as found_value,
        contracts.available_at,
        contracts.payload_sha256
    from contracts
    inner join specs
        on
            contracts.commodity_code = specs.commodity_code
            and contracts.trade_date >= specs.valid_from
            and (specs.superseded_from is null or contracts.trade_date < specs.superseded_from)

    union all

    select
        quotes.dataset as table_name,
        quotes.trade_date,
        quotes.product_id || quotes.delivery_month_code as subject,
        -- Printed in 万元.
        quotes.turnover_10k_cny * 10000.0 as turnover_cny,
        quotes.volume_lots * products.contract_size_qty as quantity,
        products.tick_price as tick,
        quotes.settle_price as found_value,
        quotes.available_at,
        quotes.payload_sha256
    from quotes
    inner join products
        on
            quotes.exchange = products.exchange
            and quotes.product_id = products.product_id
            and quotes.trade_date >= products.valid_from
    left join commodities
        on
            quotes.exchange = commodities.exchange
            and quotes.product_id = commodities.product_id
    where commodities.commodity_code is null

),

-- Settlement is the volume-weighted average of the trade date, cut to the tick in force that day. It pins unit, multiplier and
-- counting at once.
settlements as (

    select
        table_name,
        trade_date,
        subject,
        tick * floor(round(turnover_cny / quantity / tick, 6)) as expected_value,
        found_value,
        available_at,
        payload_sha256
    from settled
    where quantity > 0 and turnover_cny is not null and found_value is not null

),

{%- set measures = ['volume_lots', 'open_interest_lots', 'turnover_10k_cny'] %}

product_sums as (

    {%- for measure in measures %}
    select
        quotes.dataset as table_name,
        quotes.trade_date,
        quotes.product_id || ' {{ measure }}' as subject,
        cast(totals.{{ measure }} as double) as expected_value,
        cast(sum(quotes.{{ measure }}) as double) as found_value,
        max(greatest(quotes.available_at, totals.available_at)) as available_at,
        quotes.payload_sha256
    from quotes
    inner join totals
        on
            quotes.payload_sha256 = totals.payload_sha256
            and quotes.product_id = totals.product_id
            and totals.total_scope = 'product'
    group by quotes.dataset, quotes.trade_date, quotes.product_id, totals.{{ measure }}, quotes.payload_sha256
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

-- Which products SHFE's own total covers (INE's stand in the same file) is not known; GFEX's covers all it prints.
exchange_sums as (

    {%- for measure in measures %}
    select
        totals.dataset as table_name,
        totals.trade_date,
        totals.exchange || ' {{ measure }}' as subject,
        cast(max(case when totals.total_scope = 'exchange' then totals.{{ measure }} end) as double) as expected_value,
        cast(sum(case when totals.total_scope = 'product' then totals.{{ measure }} end) as double) as found_value,
        max(totals.available_at) as available_at,
        totals.payload_sha256
    from totals
    where totals.exchange = 'GFEX'
    group by totals.dataset, totals.trade_date, totals.exchange, totals.payload_sha256

    union all
    {% endfor %}
    select
        dataset as table_name,
        trade_date,
        exchange || ' ' || quantity_unit as subject,
        max(case when row_level = 'exchange_total' then receipts_qty end) as expected_value,
        sum(case when row_level = 'product_total' then receipts_qty end) as found_value,
        max(available_at) as available_at,
        payload_sha256
    from receipts
    where exchange = 'GFEX'
    group by dataset, trade_date, exchange, quantity_unit, payload_sha256

),

printed_changes as (

    select
        dataset as table_name,
        trade_date,
        product_id || delivery_month_code as subject,
        close_price - pre_settle_price as expected_value,
        close_change as found_value,
        available_at,
        payload_sha256
    from quotes
    where volume_lots > 0

    union all

    select
        dataset as table_name,
        trade_date,
        product_id || delivery_month_code as subject,
        settle_price - pre_settle_price as expected_value,
        settle_change as found_value,
        available_at,
        payload_sha256
    from quotes
    where volume_lots > 0

),

missing_settlements as (

    select
        dataset as table_name,
        trade_date,
        product_id || delivery_month_code as subject,
        cast(null as double) as expected_value,
        settle_price as found_value,
        available_at,
        payload_sha256
    from quotes
    where volume_lots > 0 and settle_price is null

),

-- The settlement stands in three files of a day. A file restated later differs from what the others said before: one that agrees is enough.
repeated_settlements as (

    {%- for relation, dataset in [('parameters', 'shfe__settlement_parameters'), ('margins', 'shfe__margins_fees')] %}
    select
        '{{ dataset }}' as table_name,
        {{ relation }}.trade_date,
        {{ relation }}.product_id || {{ relation }}.delivery_month_code as subject,
        {{ arg_max('quotes.settle_price', '-abs(quotes.settle_price - ' ~ relation ~ '.settle_price)') }} as expected_value,
        {{ relation }}.settle_price as found_value,
        min(greatest({{ relation }}.available_at, quotes.available_at)) as available_at,
        {{ relation }}.payload_sha256
    from {{ relation }}
    inner join quotes
        on
            {{ relation }}.trade_date = quotes.trade_date
            and {{ relation }}.product_id = quotes.product_id
            and {{ relation }}.delivery_month_code = quotes.delivery_month_code
            and quotes.dataset = 'shfe__daily_quotes'
    where {{ relation }}.settle_price is not null and quotes.settle_price is not null
    group by
        {{ relation }}.trade_date, {{ relation }}.product_id, {{ relation }}.delivery_month_code,
        {{ relation }}.settle_price, {{ relation }}.payload_sha256
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

region_sums as (

    select
        sums.dataset as table_name,
        sums.trade_date,
        trim(sums.product_name || ' ' || sums.region || ' ' || sums.warehouse) as subject,
        sums.receipts_qty as expected_value,
        sum(details.receipts_qty) as found_value,
        max(greatest(sums.available_at, details.available_at)) as available_at,
        sums.payload_sha256
    from receipts as sums
    inner join receipts as details
        on
            sums.payload_sha256 = details.payload_sha256
            and sums.product_id = details.product_id
            and sums.warehouse_type = details.warehouse_type
            and details.row_level = 'detail'
            and (
                (sums.row_level = 'region_total' and sums.region in ('', details.region))
                -- 保税商品总计 and 完税商品总计 are parts of 总计; where the exchange prints one sum only, it has no such name.
                or (sums.row_level = 'product_total' and sums.warehouse in ('总计', ''))
            )
    group by sums.dataset, sums.trade_date, sums.product_name, sums.region, sums.warehouse, sums.receipts_qty, sums.payload_sha256

),

printed_receipt_changes as (

    select
        dataset as table_name,
        trade_date,
        trim(product_name || ' ' || warehouse) as subject,
        receipts_qty - previous_receipts_qty as expected_value,
        receipts_change_qty as found_value,
        available_at,
        payload_sha256
    from receipts
    where previous_receipts_qty is not null

),

receipt_changes as (

    select
        'fct_receipts_daily' as table_name,
        trade_date,
        commodity_code as subject,
        receipts_change_t as expected_value,
        published_change_t as found_value,
        available_at,
        payload_sha256
    from levels
    where receipts_change_t is not null

),

ranking_sums as (

    select
        'shfe__member_ranking' as table_name,
        trade_date,
        instrument || ' ' || board as subject,
        cast(max(case when row_kind = 'top20_sum' then position_lots end) as double) as expected_value,
        cast(sum(case when row_kind = 'member' then position_lots end) as double) as found_value,
        max(available_at) as available_at,
        payload_sha256
    from ranking
    group by trade_date, instrument, board, payload_sha256

),

-- The exchange's own calendar against the catalogue's; a day the catalogue does not know is a finding too.
calendar_days as (

    select
        'shfe__trading_day' as table_name,
        trading_days.trade_date,
        'session before' as subject,
        cast(coalesce(calendar.session_index - 1, 0) as double) as expected_value,
        cast(coalesce(previous.session_index, -1) as double) as found_value,
        trading_days.available_at,
        trading_days.payload_sha256
    from trading_days
    left join calendar on trading_days.trade_date = calendar.trade_date
    left join calendar as previous on trading_days.previous_trade_date = previous.trade_date

),

-- A price of another role that equals the provider's own index of the day to the last digit was copied, not quoted.
copied_figures as (

    select
        'int_series__values' as table_name,
        figures.obs_date as trade_date,
        figures.provider || ' ' || figures.series_id as subject,
        cast(null as double) as expected_value,
        figures.value as found_value,
        min(greatest(figures.available_at, prices.available_at)) as available_at,
        figures.payload_sha256
    from series as figures
    inner join series as prices
        on
            figures.commodity_code = prices.commodity_code
            and figures.provider = prices.provider
            and figures.obs_date = prices.obs_date
            and figures.unit = prices.unit
            and figures.value = prices.value
    where figures.role <> 'spot' and prices.role = 'spot' and prices.region = 'national' and prices.unit = 'CNY/t'
    group by figures.obs_date, figures.provider, figures.series_id, figures.value, figures.payload_sha256

),

checked as (

    {%- set identities = [
        ('settle_is_the_weighted_average', 'settlements', 'the settlement is not the volume-weighted average on the tick'),
        ('contracts_add_up_to_the_product', 'product_sums', 'the contracts do not add up to the printed sum of the product'),
        ('products_add_up_to_the_exchange', 'exchange_sums', 'the sums of the products do not add up to the printed sum of the exchange'),
        ('printed_change_is_the_difference', 'printed_changes', 'the printed change is not the difference to the previous settlement'),
        ('traded_contract_has_a_settlement', 'missing_settlements', 'a contract that traded has no settlement price'),
        ('settlement_is_printed_alike', 'repeated_settlements', 'the settlement is not that of the daily quotes'),
        ('warehouses_add_up_to_the_sum_row', 'region_sums', 'the warehouses do not add up to the printed sum'),
        ('printed_receipts_change_is_the_difference', 'printed_receipt_changes', 'the printed change is not the difference to the printed level before'),
        ('receipts_change_is_the_difference', 'receipt_changes', 'the printed change is not the difference of the levels'),
        ('members_add_up_to_the_top_20', 'ranking_sums', 'ranks 1 to 20 do not add up to the printed sum'),
        ('prices_stay_inside_the_limits', 'stale_limits', 'a price lies beyond the limit: stale limit row'),
        ('sessions_lie_inside_the_day', 'session_prices', 'a bar trades outside the high and low of the exchange'),
        ('calendar_agrees_with_the_exchange', 'calendar_days', 'the session the exchange names before its current one is not that of the calendar'),
        ('figure_is_no_copy_of_the_index', 'copied_figures', 'the figure equals the index of its provider on the day to the last digit: a copy error'),
    ] -%}
    {%- for check_id, relation, message in identities %}
    select
        '{{ check_id }}' as check_id,
        table_name,
        '{{ message }}' as message,
        trade_date,
        subject,
        expected_value,
        found_value,
        available_at,
        payload_sha256
    from {{ relation }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

final as (

    select *
    from checked
    where
        (
            check_id in ('traded_contract_has_a_settlement', 'figure_is_no_copy_of_the_index')
            -- Half a unit of the last printed digit: figures are printed to 0.001 at the finest.
            or abs(expected_value - found_value) > 0.0005
        )
        and {{ is_known('available_at') }}

)

select * from final
