-- Arithmetic that must hold inside what the sources print. A breach is a finding for people to look at: a trimmed file breaks
-- its own totals honestly, and a market that breaks an identity is news. Only rows that break one are kept.
with quotes as (

    select * from {{ ref('int_exchange__quotes') }}

),

totals as (

    select * from {{ ref('int_exchange__totals') }}

),

receipts as (

    select * from {{ ref('int_exchange__receipts') }}

),

ranking as (

    select * from {{ ref('stg_shfe__member_ranking') }}

),

contracts as (

    select * from {{ ref('int_contracts__quotes') }}

),

specs as (

    select * from {{ ref('int_commodities__specs') }}

),

trading_days as (

    select * from {{ ref('stg_shfe__trading_day') }}

),

calendar as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

levels as (

    select * from {{ ref('fct_receipts_daily') }}

),

-- Settlement is the volume-weighted average of the trade date, cut to the tick in force that day. It pins unit, multiplier and
-- counting at once.
settlements as (

    select
        'int_contracts__quotes' as table_name,
        contracts.trade_date,
        contracts.contract_code as subject,
        specs.tick_cny_t
        * floor(round(contracts.turnover_cny / (contracts.volume_lots * specs.contract_size_t) / specs.tick_cny_t, 6))
            as expected_value,
        contracts.settle_cny_t as found_value,
        contracts.payload_sha256
    from contracts
    inner join specs
        on
            contracts.commodity_code = specs.commodity_code
            and contracts.trade_date >= specs.valid_from
            and (specs.superseded_from is null or contracts.trade_date < specs.superseded_from)
    where contracts.volume_lots > 0 and contracts.turnover_cny is not null and contracts.settle_cny_t is not null

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
        payload_sha256
    from quotes
    where volume_lots > 0 and settle_price is null

),

region_sums as (

    select
        sums.dataset as table_name,
        sums.trade_date,
        trim(sums.product_name || ' ' || sums.region || ' ' || sums.warehouse) as subject,
        sums.receipts_qty as expected_value,
        sum(details.receipts_qty) as found_value,
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
        trading_days.payload_sha256
    from trading_days
    left join calendar on trading_days.trade_date = calendar.trade_date
    left join calendar as previous on trading_days.previous_trade_date = previous.trade_date

),

checked as (

    {%- set identities = [
        ('settle_is_the_weighted_average', 'settlements', 'the settlement is not the volume-weighted average on the tick'),
        ('contracts_add_up_to_the_product', 'product_sums', 'the contracts do not add up to the printed sum of the product'),
        ('products_add_up_to_the_exchange', 'exchange_sums', 'the sums of the products do not add up to the printed sum of the exchange'),
        ('printed_change_is_the_difference', 'printed_changes', 'the printed change is not the difference to the previous settlement'),
        ('traded_contract_has_a_settlement', 'missing_settlements', 'a contract that traded has no settlement price'),
        ('warehouses_add_up_to_the_sum_row', 'region_sums', 'the warehouses do not add up to the printed sum'),
        ('printed_receipts_change_is_the_difference', 'printed_receipt_changes', 'the printed change is not the difference to the printed level before'),
        ('receipts_change_is_the_difference', 'receipt_changes', 'the printed change is not the difference of the levels'),
        ('members_add_up_to_the_top_20', 'ranking_sums', 'ranks 1 to 20 do not add up to the printed sum'),
        ('calendar_agrees_with_the_exchange', 'calendar_days', 'the session the exchange names before its current one is not that of the calendar'),
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
        check_id = 'traded_contract_has_a_settlement'
        -- Half a unit of the last printed digit: figures are printed to 0.001 at the finest.
        or abs(expected_value - found_value) > 0.0005

)

select * from final
