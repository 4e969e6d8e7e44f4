-- Arithmetic that must hold inside what the sources print. A breach is a finding for people to look at: a trimmed file breaks
-- its own totals honestly, and a market that breaks an identity is news. Only rows that break one are kept.
with quotes as (

    select * from {{ ref('stg_shfe__daily_quotes') }}

),

totals as (

    select * from {{ ref('stg_shfe__daily_totals') }}

),

receipts as (

    select * from {{ ref('stg_shfe__warehouse_receipts') }}

),

ranking as (

    select * from {{ ref('stg_shfe__member_ranking') }}

),

futures as (

    select * from {{ ref('fct_futures_daily') }}

),

contracts as (

    select * from {{ ref('dim_contract') }}

),

levels as (

    select * from {{ ref('fct_receipts_daily') }}

),

-- Settlement is the volume-weighted average of the trade date, cut to the tick. It pins unit, multiplier and counting at once.
settlements as (

    select
        futures.trade_date,
        futures.contract_code as subject,
        contracts.tick_cny_t
        * floor(round(futures.turnover_cny / (futures.volume_lots * contracts.contract_size_t) / contracts.tick_cny_t, 6))
            as expected_value,
        futures.settle_cny_t as found_value,
        futures.payload_sha256
    from futures
    inner join contracts on futures.contract_code = contracts.contract_code
    where futures.is_traded and futures.turnover_cny is not null and futures.settle_cny_t is not null

),

product_sums as (

    select
        quotes.trade_date,
        quotes.product_id as subject,
        cast(totals.volume_lots as double) as expected_value,
        cast(sum(quotes.volume_lots) as double) as found_value,
        quotes.payload_sha256
    from quotes
    inner join totals
        on
            quotes.payload_sha256 = totals.payload_sha256
            and quotes.product_id = totals.product_id
            and totals.total_scope = 'product'
    group by quotes.trade_date, quotes.product_id, totals.volume_lots, quotes.payload_sha256

),

printed_changes as (

    select
        trade_date,
        product_id || delivery_month_code as subject,
        close_price - pre_settle_price as expected_value,
        close_change as found_value,
        payload_sha256
    from quotes
    where volume_lots > 0

    union all

    select
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
        sums.trade_date,
        sums.product_name || ' ' || sums.region || ' ' || sums.warehouse as subject,
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
                or (sums.row_level = 'product_total' and sums.warehouse = '总计')
            )
    group by sums.trade_date, sums.product_name, sums.region, sums.warehouse, sums.receipts_qty, sums.payload_sha256

),

receipt_changes as (

    select
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
        trade_date,
        instrument || ' ' || board as subject,
        cast(max(case when row_kind = 'top20_sum' then position_lots end) as double) as expected_value,
        cast(sum(case when row_kind = 'member' then position_lots end) as double) as found_value,
        payload_sha256
    from ranking
    group by trade_date, instrument, board, payload_sha256

),

checked as (

    {%- set identities = [
        ('settle_is_the_weighted_average', 'settlements', 'fct_futures_daily', 'the settlement is not the volume-weighted average on the tick'),
        ('contracts_add_up_to_the_product', 'product_sums', 'shfe__daily_quotes', 'the contracts do not add up to the printed volume of the product'),
        ('printed_change_is_the_difference', 'printed_changes', 'shfe__daily_quotes', 'the printed change is not the difference to the previous settlement'),
        ('traded_contract_has_a_settlement', 'missing_settlements', 'shfe__daily_quotes', 'a contract that traded has no settlement price'),
        ('warehouses_add_up_to_the_sum_row', 'region_sums', 'shfe__warehouse_receipts', 'the warehouses do not add up to the printed sum'),
        ('receipts_change_is_the_difference', 'receipt_changes', 'fct_receipts_daily', 'the printed change is not the difference of the levels'),
        ('members_add_up_to_the_top_20', 'ranking_sums', 'shfe__member_ranking', 'ranks 1 to 20 do not add up to the printed sum'),
    ] -%}
    {%- for check_id, relation, table_name, message in identities %}
    select
        '{{ check_id }}' as check_id,
        '{{ table_name }}' as table_name,
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
