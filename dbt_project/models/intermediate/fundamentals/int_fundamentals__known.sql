-- What the fundamentals said at each decision: one figure of each kind, its data date beside it, and a reason where there is none. A row
-- never changes when something is published or revised later. Where several providers speak of one figure, the first by name is read.
with costs as (

    select * from {{ ref('int_fundamentals__costs') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

known as (

    select * from {{ ref('int_series__known') }}
    where region = 'national'

),

parity as (

    select * from {{ ref('int_parity__daily') }}

),

trade as (

    select * from {{ ref('int_customs__known') }}

),

balance as (

    select * from {{ ref('int_balance__periods') }}
    where frequency = 'daily'

),

read_parity as (

    select
        *,
        row_number() over (partition by commodity_code, trade_date order by provider) as place
    from parity
    where spot_leg = 'natl' and parity_cny_t is not null

),

best_legs as (

    select * from parity
    where is_best_leg

),

balances as (

    select
        commodity_code,
        period_end,
        provider,
        max(production_date) as production_date,
        max(case when demand_basis = 'downstream_use' then demand_date end) as demand_date,
        {%- for basis, prefix in [('downstream_use', ''), ('stated', 'stated_')] %}
        max(case when demand_basis = '{{ basis }}' then surplus_kt_a end) as {{ prefix }}surplus_kt_a,
        max(case when demand_basis = '{{ basis }}' then surplus_pct end) as {{ prefix }}surplus_pct,
        max(case when demand_basis = '{{ basis }}' then surplus_after_trade_kt_a end) as {{ prefix }}surplus_after_trade_kt_a,
        {%- endfor %}
        max(trade_month) as trade_month,
        max(available_at) as available_at,
        max(payload_sha256) as payload_sha256,
        row_number() over (
            partition by commodity_code, period_end
            order by case when max(demand_kt_a) is null then 1 else 0 end, provider
        ) as place
    from balance
    group by commodity_code, period_end, provider

),

-- Two prints of a series that are further apart than its period give no change.
prints as (

    select
        known.commodity_code,
        known.as_of_date,
        known.role,
        known.obs_date,
        known.value,
        case
            when
                known.previous_obs_date >= case
                    when known.frequency = 'monthly' then {{ add_days('known.obs_date', -31) }}
                    else {{ add_days('known.obs_date', '-parameters.weekly_gap_maximum_days') }}
                end
                then known.value - known.previous_value
        end as change_value,
        known.available_at,
        known.payload_sha256,
        row_number() over (partition by known.commodity_code, known.as_of_date, known.role order by known.provider, known.series_id) as place
    from known
    inner join parameters on known.commodity_code = parameters.commodity_code
    where known.role in ('stock_smelter', 'downstream_rate')

),

final as (

    select
        costs.commodity_code,
        costs.as_of_date,
        costs.decision_at,
        costs.margin_pct,
        costs.profit_cny_t,
        costs.cost_full_cny_t,
        costs.cost_provider,
        costs.cost_model_id,
        -- The older of the margin's two legs.
        least(costs.cost_date, costs.spot_date) as margin_date,
        {{ leg_dates(['costs.cost_date', 'costs.spot_date']) }} as margin_leg_dates,
        costs.cost_date as cost_full_date,
        costs.profit_percentile_ratio,
        costs.profit_percentile_ratio >= costs.profit_high_percentile_ratio as is_profit_p75,
        costs.cost_full_monthly_cny_t,
        costs.cost_full_monthly_date,
        balances.surplus_kt_a,
        balances.surplus_pct,
        balances.surplus_after_trade_kt_a,
        balances.stated_surplus_kt_a,
        balances.stated_surplus_pct,
        balances.stated_surplus_after_trade_kt_a,
        balances.production_date as surplus_date,
        {{ leg_dates(['balances.production_date', 'balances.demand_date']) }} as surplus_leg_dates,
        stock.change_value / 1000.0 as smelter_stock_change_kt,
        stock.obs_date as smelter_stock_date,
        trade.exports_mom_pct,
        trade.trade_month as exports_date,
        100.0 * rate.change_value as downstream_rate_change_pp,
        rate.obs_date as downstream_rate_date,
        read_parity.import_profit_cny_t,
        read_parity.export_profit_usd_t,
        read_parity.parity_cny_t,
        least(read_parity.fob_date, read_parity.spot_date) as parity_date,
        {{ leg_dates(['read_parity.fob_date', 'read_parity.freight_date', 'read_parity.fx_date', 'read_parity.spot_date']) }} as parity_leg_dates,
        -- The window is that of the leg that pays best, by its name; the national index is for information.
        best_legs.import_leg,
        best_legs.import_profit_cny_t as import_leg_profit_cny_t,
        best_legs.window_state as import_window_state,
        least(best_legs.fob_date, best_legs.spot_date) as import_leg_date,
        {{ leg_dates(['best_legs.fob_date', 'best_legs.freight_date', 'best_legs.fx_date', 'best_legs.spot_date']) }} as import_leg_dates,
        best_legs.payload_sha256 as import_leg_payload_sha256,
        concat_ws(
            ';',
            case when costs.cost_full_cny_t is null then 'margin:no_daily_cost' end,
            case when costs.cost_full_cny_t is not null and costs.margin_pct is null then 'margin:' || costs.margin_reason end,
            case when costs.profit_percentile_ratio is null then 'profit_percentile:too_few_observations' end,
            case when costs.cost_full_monthly_cny_t is null then 'cost_full_monthly:no_monthly_cost' end,
            case
                when balances.place is null then 'surplus:no_operating_capacity'
                when balances.surplus_kt_a is null then 'surplus:no_demand_of_this_provider'
            end,
            case
                when stock.place is null then 'smelter_stock:no_stock'
                when stock.change_value is null then 'smelter_stock:gap_before'
            end,
            case
                when trade.trade_month is null then 'exports:no_trade_figure'
                when trade.exports_mom_pct is null then 'exports:' || trade.exports_null_reason
            end,
            case
                when rate.place is null then 'downstream_rate:no_rate'
                when rate.change_value is null then 'downstream_rate:gap_before'
            end,
            case when read_parity.parity_cny_t is null then 'parity:no_fob_freight_or_rate' end,
            case when best_legs.import_leg is null then 'import_leg:no_leg_with_price' end
        ) as null_reasons,
        costs.payload_sha256,
        balances.payload_sha256 as surplus_payload_sha256,
        stock.payload_sha256 as smelter_stock_payload_sha256,
        trade.payload_sha256 as exports_payload_sha256,
        rate.payload_sha256 as downstream_rate_payload_sha256,
        read_parity.payload_sha256 as parity_payload_sha256,
        -- The newest figure in the row; greatest() ignores nulls.
        greatest(
            costs.margin_available_at, balances.available_at, stock.available_at, trade.available_at, rate.available_at, read_parity.available_at,
            best_legs.available_at
        ) as available_at,
        costs.data_origin
    from costs
    left join balances
        on
            costs.commodity_code = balances.commodity_code
            and costs.as_of_date = balances.period_end
            and balances.place = 1
    left join prints as stock
        on
            costs.commodity_code = stock.commodity_code
            and costs.as_of_date = stock.as_of_date
            and stock.role = 'stock_smelter'
            and stock.place = 1
    left join trade
        on
            costs.commodity_code = trade.commodity_code
            and costs.as_of_date = trade.as_of_date
    left join prints as rate
        on
            costs.commodity_code = rate.commodity_code
            and costs.as_of_date = rate.as_of_date
            and rate.role = 'downstream_rate'
            and rate.place = 1
    left join read_parity
        on
            costs.commodity_code = read_parity.commodity_code
            and costs.as_of_date = read_parity.trade_date
            and read_parity.place = 1
    left join best_legs
        on
            costs.commodity_code = best_legs.commodity_code
            and costs.as_of_date = best_legs.trade_date

)

select * from final
