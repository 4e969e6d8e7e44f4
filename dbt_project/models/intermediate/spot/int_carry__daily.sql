-- Cash and carry: buy spot at an origin, bring it to a delivery warehouse, sell the contract and deliver; and its reverse, take delivery
-- and sell there. Every pair with a freight term, against the nearest, the dominant and the next contract at their close. The national
-- pair is a yardstick without freight. In the decided reading only figures known at the day's own decision.
{%- set pair = ['reading', 'commodity_code', 'trade_date', 'contract_code', 'provider', 'origin_region', 'warehouse_region'] %}

with futures as (

    select * from {{ ref('int_futures__daily') }}

),

deliveries as (

    select * from {{ ref('int_contracts__deliveries') }}

),

series as (

    select * from {{ ref('int_series__daily') }}
    where role = 'spot' and unit = 'CNY/t'

),

warehouses as (

    select * from {{ ref('int_receipts__warehouses') }}

),

terms as (

    select * from {{ ref('int_commodities__terms') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

known_futures as (

    select
        futures.reading,
        futures.commodity_code,
        futures.trade_date,
        futures.contract_code,
        futures.delivery_month,
        futures.close_cny_t,
        futures.is_dominant,
        futures.sessions_to_last_trading_day,
        futures.available_at,
        futures.data_origin,
        futures.payload_sha256,
        cast(deliveries.delivery_end_date - futures.trade_date as bigint) as days_to_delivery_end,
        cast(deliveries.last_trading_day - futures.trade_date as bigint) as days_to_last_trading_day,
        parameters.reverse_carry_sessions,
        max(case when futures.is_dominant then futures.delivery_month end) over same_day as dominant_month
    from futures
    inner join deliveries on futures.contract_code = deliveries.contract_code
    inner join parameters on futures.commodity_code = parameters.commodity_code
    where
        futures.sessions_to_last_trading_day >= 0
        and (
            futures.reading = 'latest'
            or futures.available_at <= {{ shanghai_time('futures.trade_date', 'parameters.decision_time_minutes') }}
        )
    window same_day as (partition by futures.reading, futures.commodity_code, futures.trade_date)

),

contracts as (

    select
        *,
        case
            when is_dominant then 'dominant'
            when delivery_month = next_month then 'next'
            else 'near'
        end as contract_role
    from (
        select
            *,
            min(delivery_month) over (partition by reading, commodity_code, trade_date) as near_month,
            min(case when delivery_month > dominant_month then delivery_month end) over (
                partition by reading, commodity_code, trade_date
            ) as next_month
        from known_futures
    ) as placed
    where is_dominant or delivery_month = next_month or delivery_month = near_month

),

traded_days as (

    select distinct
        commodity_code,
        trade_date
    from contracts

),

-- Terms without a scope and the speculative margin, in force on the day, as columns.
costs as (

    {%- set names = [
        'interest_ratio', 'margin_ratio', 'vat_ratio', 'storage_cny_t_day', 'handling_cny_t', 'delivery_fee_cny_t', 'delivery_out_cny_t',
        'trade_fee_ratio', 'brand_premium_cny_t', 'carry_hurdle_cny_t', 'vat_credit_days', 'receipt_validity_days',
    ] %}

    select
        {%- for name in names %}
        max(case when terms.term = '{{ name }}' then terms.term_value end) as {{ name }},
        {%- endfor %}
        traded_days.commodity_code,
        traded_days.trade_date
    from traded_days
    inner join terms
        on
            traded_days.commodity_code = terms.commodity_code
            and (terms.scope = '' or (terms.term = 'margin_ratio' and terms.scope = 'spec'))
            and traded_days.trade_date >= terms.valid_from
            and (terms.superseded_from is null or traded_days.trade_date < terms.superseded_from)
    group by traded_days.commodity_code, traded_days.trade_date

),

pairs as (

    select
        traded_days.commodity_code,
        traded_days.trade_date,
        split_part(freights.scope, '>', 1) as origin_region,
        split_part(freights.scope, '>', 2) as warehouse_region,
        freights.term_value as freight_cny_t,
        premiums.term_value as region_premium_cny_t,
        capacities.term_value as capacity_t
    from traded_days
    inner join terms as freights
        on
            traded_days.commodity_code = freights.commodity_code
            and freights.term = 'freight_cny_t'
            and traded_days.trade_date >= freights.valid_from
            and (freights.superseded_from is null or traded_days.trade_date < freights.superseded_from)
    left join terms as premiums
        on
            traded_days.commodity_code = premiums.commodity_code
            and premiums.term = 'region_premium_cny_t'
            and split_part(freights.scope, '>', 2) = premiums.scope
            and traded_days.trade_date >= premiums.valid_from
            and (premiums.superseded_from is null or traded_days.trade_date < premiums.superseded_from)
    left join terms as capacities
        on
            traded_days.commodity_code = capacities.commodity_code
            and capacities.term = 'warehouse_capacity_t'
            and split_part(freights.scope, '>', 2) = capacities.scope
            and traded_days.trade_date >= capacities.valid_from
            and (capacities.superseded_from is null or traded_days.trade_date < capacities.superseded_from)

),

providers as (

    select distinct
        commodity_code,
        provider
    from series

),

stored as (

    select
        warehouses.reading,
        warehouses.commodity_code,
        warehouses.trade_date,
        warehouses.region,
        sum(warehouses.receipts_t) as receipts_t,
        max(warehouses.available_at) as available_at
    from warehouses
    inner join parameters on warehouses.commodity_code = parameters.commodity_code
    where
        warehouses.reading = 'latest'
        or warehouses.available_at <= {{ shanghai_time('warehouses.trade_date', 'parameters.decision_time_minutes') }}
    group by warehouses.reading, warehouses.commodity_code, warehouses.trade_date, warehouses.region

),

matrix as (

    select
        contracts.*,
        providers.provider,
        pairs.origin_region,
        pairs.warehouse_region,
        pairs.freight_cny_t,
        pairs.region_premium_cny_t,
        pairs.capacity_t - stored.receipts_t as free_capacity_t,
        pairs.capacity_t is not null as has_capacity,
        origins.value as spot_cny_t,
        sales.value as sale_spot_cny_t,
        greatest(
            contracts.available_at,
            coalesce(origins.available_at, contracts.available_at),
            coalesce(sales.available_at, contracts.available_at),
            case when pairs.capacity_t is not null then coalesce(stored.available_at, contracts.available_at) else contracts.available_at end
        ) as known_at
    from contracts
    inner join providers on contracts.commodity_code = providers.commodity_code
    inner join pairs
        on
            contracts.commodity_code = pairs.commodity_code
            and contracts.trade_date = pairs.trade_date
    left join series as origins
        on
            contracts.reading = origins.reading
            and contracts.commodity_code = origins.commodity_code
            and contracts.trade_date = origins.trade_date
            and providers.provider = origins.provider
            and pairs.origin_region = origins.region
    left join series as sales
        on
            contracts.reading = sales.reading
            and contracts.commodity_code = sales.commodity_code
            and contracts.trade_date = sales.trade_date
            and providers.provider = sales.provider
            and pairs.warehouse_region = sales.region
    left join stored
        on
            contracts.reading = stored.reading
            and contracts.commodity_code = stored.commodity_code
            and contracts.trade_date = stored.trade_date
            and pairs.warehouse_region = stored.region

),

-- What a tonne costs to carry, apart: the part that grows with the futures price, and the part that does not.
charged as (

    select
        matrix.*,
        costs.carry_hurdle_cny_t,
        costs.vat_ratio,
        matrix.close_cny_t + matrix.region_premium_cny_t + costs.brand_premium_cny_t - matrix.spot_cny_t - matrix.freight_cny_t as gross_cny_t,
        matrix.region_premium_cny_t + costs.brand_premium_cny_t - matrix.freight_cny_t as spread_cny_t,
        matrix.spot_cny_t * costs.interest_ratio * matrix.days_to_delivery_end / 365.0
        + costs.storage_cny_t_day * matrix.days_to_delivery_end
        + costs.handling_cny_t
        + costs.delivery_fee_cny_t as fixed_carry_cny_t,
        costs.margin_ratio * costs.interest_ratio * matrix.days_to_delivery_end / 365.0 + costs.trade_fee_ratio as futures_carry_ratio,
        case
            when matrix.sessions_to_last_trading_day <= matrix.reverse_carry_sessions
                then
                    matrix.sale_spot_cny_t - matrix.close_cny_t - matrix.region_premium_cny_t
                    - costs.delivery_out_cny_t - costs.delivery_fee_cny_t - matrix.close_cny_t * costs.trade_fee_ratio
                    - matrix.close_cny_t * costs.vat_ratio / (1.0 + costs.vat_ratio)
                    * costs.interest_ratio * costs.vat_credit_days / 365.0
        end as reverse_net_cny_t,
        nullif(
            concat_ws(
                ';',
                case when matrix.days_to_last_trading_day > costs.receipt_validity_days then 'receipt_expires_before_delivery' end,
                case when matrix.free_capacity_t <= 0.0 then 'warehouse_full' end
            ),
            ''
        ) as constraint_reason
    from matrix
    inner join costs
        on
            matrix.commodity_code = costs.commodity_code
            and matrix.trade_date = costs.trade_date

),

carried as (

    select
        *,
        fixed_carry_cny_t + futures_carry_ratio * close_cny_t as carry_cny_t,
        greatest(gross_cny_t, 0.0) * vat_ratio / (1.0 + vat_ratio) as vat_adj_cny_t,
        -- The futures price less spot at which nothing is left: gross = (1 + VAT) x carry, and carry itself grows with the price.
        ((1.0 + vat_ratio) * (fixed_carry_cny_t + futures_carry_ratio * spot_cny_t) - spread_cny_t)
        / nullif(1.0 - (1.0 + vat_ratio) * futures_carry_ratio, 0.0) as break_even_premium_cny_t,
        case
            when sessions_to_last_trading_day = 0 then 'expiring_month'
            when close_cny_t is null then 'no_futures_price'
            when spot_cny_t is null then 'no_spot_price'
            when days_to_delivery_end is null then 'no_delivery_date'
            when region_premium_cny_t is null then 'no_regional_premium'
            when gross_cny_t is null or fixed_carry_cny_t is null or futures_carry_ratio is null then 'no_cost_term'
        end as null_reason
    from charged

),

netted as (

    select
        *,
        case when null_reason is null then gross_cny_t - carry_cny_t - vat_adj_cny_t end as net_cny_t
    from carried

),

-- The national yardstick is no trade, and a pair that cannot be delivered is none either.
best as (

    select *
    from (
        select
            {{ pair | join(', ') }},
            row_number() over (
                partition by reading, commodity_code, trade_date, contract_code, provider
                order by net_cny_t desc, origin_region asc, warehouse_region asc
            ) as place
        from netted
        where net_cny_t is not null and constraint_reason is null and origin_region <> 'national'
    ) as ordered
    where place = 1

),

placed as (

    select
        netted.*,
        best.place is not null as is_best_pair
    from netted
    left join best
        on
            {%- for column in pair[:-1] %}
            netted.{{ column }} = best.{{ column }}
            and
            {%- endfor %}
            netted.{{ pair[-1] }} = best.{{ pair[-1] }}

),

final as (

    select
        reading,
        commodity_code,
        trade_date,
        contract_code,
        contract_role,
        provider,
        origin_region,
        warehouse_region,
        close_cny_t as futures_cny_t,
        spot_cny_t,
        freight_cny_t,
        region_premium_cny_t,
        days_to_delivery_end,
        {%- for column in ['gross_cny_t', 'carry_cny_t', 'vat_adj_cny_t', 'break_even_premium_cny_t'] %}
        case when null_reason is null then {{ column }} end as {{ column }},
        {%- endfor %}
        net_cny_t,
        case when null_reason is null then 100.0 * gross_cny_t / spot_cny_t * 365.0 / days_to_delivery_end end as gross_ann_pct,
        100.0 * net_cny_t / spot_cny_t * 365.0 / days_to_delivery_end as net_ann_pct,
        case when net_cny_t > carry_hurdle_cny_t then 'open' when net_cny_t <= carry_hurdle_cny_t then 'closed' end as carry_state,
        is_best_pair,
        reverse_net_cny_t,
        free_capacity_t,
        constraint_reason,
        null_reason,
        nullif(concat_ws(
            ';',
            case
                when reverse_net_cny_t is not null then null
                when sessions_to_last_trading_day is null then 'reverse_net_cny_t:no_delivery_date'
                when sessions_to_last_trading_day > reverse_carry_sessions then 'reverse_net_cny_t:far_from_delivery'
                when close_cny_t is null then 'reverse_net_cny_t:no_futures_price'
                when sale_spot_cny_t is null then 'reverse_net_cny_t:no_spot_price'
                else 'reverse_net_cny_t:no_cost_term'
            end,
            case
                when not has_capacity then 'free_capacity_t:no_capacity_known'
                when free_capacity_t is null then 'free_capacity_t:no_receipts'
            end
        ), '') as other_null_reason,
        known_at as available_at,
        data_origin,
        payload_sha256
    from placed

)

select * from final
