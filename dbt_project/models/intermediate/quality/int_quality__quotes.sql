{{ config(materialized='view') }}

-- What a quotes file prints twice: sums over contracts and over products, and changes beside the prices they are of.
{%- set measures = ['volume_lots', 'open_interest_lots', 'turnover_10k_cny'] %}

with quotes as (

    {{ with_available_at(ref('int_exchange__quotes'), keys=['dataset', 'trade_date', 'product_id']) }}

),

totals as (

    {{ with_available_at(ref('int_exchange__totals'), keys=['dataset', 'trade_date', 'product_id']) }}

),

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

-- Which products SHFE's own total covers (INE's stand in the same file) is not known; those of GFEX and CZCE cover all they print.
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
    where totals.exchange in ('GFEX', 'CZCE')
    group by totals.dataset, totals.trade_date, totals.exchange, totals.payload_sha256
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

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

final as (

    {{ identities([
        ('contracts_add_up_to_the_product', 'product_sums', 'the contracts do not add up to the printed sum of the product'),
        ('products_add_up_to_the_exchange', 'exchange_sums', 'the sums of the products do not add up to the printed sum of the exchange'),
        ('printed_change_is_the_difference', 'printed_changes', 'the printed change is not the difference to the previous settlement'),
    ]) }}

)

select * from final
