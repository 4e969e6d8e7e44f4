{{ config(materialized='view') }}

-- The settlement price follows the exchange's rule, is not missing, and is the same in all files of a day.
with quotes as (

    {{ with_available_at(ref('int_exchange__quotes'), keys=['dataset', 'trade_date', 'product_id']) }}

),

parameters as (

    {{ with_available_at(ref('stg_shfe__settlement_parameters'), keys=['trade_date'], dataset='shfe__settlement_parameters') }}

),

margins as (

    {{ with_available_at(ref('stg_shfe__margins_fees'), keys=['trade_date'], dataset='shfe__margins_fees') }}

),

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

-- Configured commodities by their dated facts, all other products of the exchange by the one row there is of them.
settled as (

    select
        'int_contracts__quotes' as table_name,
        contracts.trade_date,
        contracts.contract_code as subject,
        contracts.turnover_cny,
        contracts.volume_lots * specs.contract_size_t as quantity,
        specs.tick_cny_t as tick,
        coalesce(products.settlement_rounding, 'floor') as rounding,
        coalesce(products.turnover_step_cny, 0.0) as turnover_step_cny,
        contracts.settle_cny_t as found_value,
        contracts.available_at,
        contracts.payload_sha256
    from contracts
    inner join specs
        on
            contracts.commodity_code = specs.commodity_code
            and {{ in_force('specs', 'contracts.trade_date') }}
    inner join commodities on contracts.commodity_code = commodities.commodity_code
    left join products
        on
            commodities.exchange = products.exchange
            and commodities.product_id = products.product_id

    union all

    select
        quotes.dataset as table_name,
        quotes.trade_date,
        quotes.product_id || quotes.delivery_month_code as subject,
        -- Printed in 万元.
        quotes.turnover_10k_cny * 10000.0 as turnover_cny,
        quotes.volume_lots * products.contract_size_qty as quantity,
        products.tick_price as tick,
        coalesce(products.settlement_rounding, 'floor') as rounding,
        coalesce(products.turnover_step_cny, 0.0) as turnover_step_cny,
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

-- Settlement is the volume-weighted average of the trade date, cut to the tick in force that day, or on the nearest one: that is the
-- exchange's own rule. It pins unit, multiplier and counting at once. Few lots of a coarsely printed turnover tell the average less exactly.
settlements as (

    select
        table_name,
        trade_date,
        subject,
        case
            when rounding = 'floor' then tick * floor(round(turnover_cny / quantity / tick, 6))
            when abs(found_value - turnover_cny / quantity) <= tick / 2.0 + turnover_step_cny / 2.0 / quantity then found_value
            else tick * round(turnover_cny / quantity / tick)
        end as expected_value,
        found_value,
        available_at,
        payload_sha256
    from settled
    where quantity > 0 and turnover_cny is not null and found_value is not null

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
    where volume_lots > 0 and coalesce(settle_price, 0.0) = 0.0

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

final as (

    {{ identities([
        ('settle_is_the_weighted_average', 'settlements', 'the settlement is not the volume-weighted average on the tick'),
        ('traded_contract_has_a_settlement', 'missing_settlements', 'a contract that traded has no settlement price'),
        ('settlement_is_printed_alike', 'repeated_settlements', 'the settlement is not that of the daily quotes'),
    ]) }}

)

select * from final
