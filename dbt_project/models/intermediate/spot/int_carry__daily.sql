-- Cash and carry: buy spot at an origin, bring it to a delivery warehouse, sell the contract and deliver; and its reverse, take delivery
-- and sell there. Every pair with a freight term, against the nearest, the dominant and the next contract at their close. The national
-- pair is a yardstick without freight. Decided: only figures known at the day's own decision. Which pair is best is known with the last.
{%- set pair = ['reading', 'commodity_code', 'trade_date', 'contract_code', 'provider', 'origin_region', 'warehouse_region'] %}

with contracts as (

    select * from {{ ref('int_carry__contracts') }}

),

pairs as (

    select * from {{ ref('int_carry__pairs') }}

),

series as (

    select * from {{ ref('int_series__daily') }}
    where role = 'spot' and unit = 'CNY/t'

),

warehouses as (

    select * from {{ ref('int_receipts__warehouses') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

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
        greatest(origins.available_at, sales.available_at, case when pairs.capacity_t is not null then stored.available_at end) as legs_available_at
    from contracts
    inner join providers on contracts.commodity_code = providers.commodity_code
    inner join pairs
        on
            contracts.commodity_code = pairs.commodity_code
            and contracts.trade_date = pairs.trade_date
    {%- for leg, region in {'origins': 'origin_region', 'sales': 'warehouse_region'}.items() %}
    left join series as {{ leg }}
        on
            contracts.reading = {{ leg }}.reading
            and contracts.commodity_code = {{ leg }}.commodity_code
            and contracts.trade_date = {{ leg }}.trade_date
            and providers.provider = {{ leg }}.provider
            and pairs.{{ region }} = {{ leg }}.region
    {%- endfor %}
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
        + costs.storage_cny_t_day * matrix.days_to_delivery_end + costs.handling_cny_t + costs.delivery_fee_cny_t as fixed_carry_cny_t,
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
    inner join pairs as costs
        on
            matrix.commodity_code = costs.commodity_code
            and matrix.trade_date = costs.trade_date
            and matrix.origin_region = costs.origin_region
            and matrix.warehouse_region = costs.warehouse_region

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
        case when null_reason is null then gross_cny_t - carry_cny_t - vat_adj_cny_t end as net_cny_t,
        max(greatest(available_at, legs_available_at)) over (partition by reading, commodity_code, trade_date, contract_code, provider) as compared_at
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
        {{ reasons({
            'reverse_net_cny_t': {
                'reverse_net_cny_t is null and sessions_to_last_trading_day is null': 'no_delivery_date',
                'reverse_net_cny_t is null and sessions_to_last_trading_day > reverse_carry_sessions': 'far_from_delivery',
                'reverse_net_cny_t is null and close_cny_t is null': 'no_futures_price',
                'reverse_net_cny_t is null and sale_spot_cny_t is null': 'no_spot_price',
                'reverse_net_cny_t is null': 'no_cost_term',
            },
            'free_capacity_t': {'not has_capacity': 'no_capacity_known', 'free_capacity_t is null': 'no_receipts'},
        }) }} as other_null_reason,
        compared_at as available_at,
        data_origin,
        payload_sha256
    from placed

)

select * from final
