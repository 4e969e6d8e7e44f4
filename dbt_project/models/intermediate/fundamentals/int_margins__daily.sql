-- Each row uses what was known at the decision of its day. Profit is spot less cost of one provider, one model and one region;
-- another provider's printed profit stays in its own row.
with parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

costs as (

    select
        models.*,
        models.session_index - parameters.change_window_sessions as earlier_session_index
    from {{ ref('int_costs__models') }} as models
    inner join parameters on models.commodity_code = parameters.commodity_code

),

known as (

    select
        series.*,
        series.session_index - parameters.change_window_sessions as earlier_session_index
    from {{ ref('int_series__known') }} as series
    inner join parameters on series.commodity_code = parameters.commodity_code
    where series.obs_date >= {{ add_days('series.as_of_date', '-parameters.daily_series_maximum_age_days') }}

),

futures as (

    select * from {{ ref('int_futures__daily') }}
    where reading = 'decided' and is_dominant

),

operating as (

    select * from {{ ref('int_series__known') }}
    where role = 'capacity_operating'

),

spot as (

    select * from known
    where role = 'spot' and unit = 'CNY/t'

),

-- Against what was known so many sessions before, not against what is known of that day now.
ore_changes as (

    select
        newest.commodity_code,
        newest.as_of_date,
        newest.provider,
        {{ pct('newest.value', 'earlier.value') }} as bauxite_chg20_pct
    from known as newest
    inner join known as earlier
        on
            newest.commodity_code = earlier.commodity_code
            and newest.role = earlier.role
            and newest.provider = earlier.provider
            and newest.series_id = earlier.series_id
            and newest.earlier_session_index = earlier.session_index
    where newest.role = 'ore_index'

),

cost_changes as (

    select
        newest.commodity_code,
        newest.as_of_date,
        newest.provider,
        newest.model_id,
        newest.region,
        {{ pct('coalesce(newest.cost_full_cny_t, newest.cost_cash_cny_t)', 'coalesce(earlier.cost_full_cny_t, earlier.cost_cash_cny_t)') }}
            as d_cost20_pct
    from costs as newest
    inner join costs as earlier
        on
            newest.commodity_code = earlier.commodity_code
            and newest.provider = earlier.provider
            and newest.model_id = earlier.model_id
            and newest.region = earlier.region
            and newest.earlier_session_index = earlier.session_index

),

-- Regions of one provider and model whose cost is above their own price. The share of capacity needs the regions' capacity.
regions as (

    select
        costs.commodity_code,
        costs.as_of_date,
        costs.provider,
        costs.model_id,
        'national' as region,
        avg(cast(case when costs.cost_full_cny_t > spot.value then 1.0 else 0.0 end as double)) as underwater_regions_ratio,
        case
            when count(operating.value) = count(*)
                then
                    sum(case when costs.cost_full_cny_t > spot.value then operating.value else 0.0 end)
                    / nullif(sum(operating.value), 0.0)
        end as underwater_share_ratio
    from costs
    inner join spot
        on
            costs.commodity_code = spot.commodity_code
            and costs.as_of_date = spot.as_of_date
            and costs.provider = spot.provider
            and costs.region = spot.region
    left join operating
        on
            costs.commodity_code = operating.commodity_code
            and costs.as_of_date = operating.as_of_date
            and costs.provider = operating.provider
            and costs.region = operating.region
    where costs.region <> 'national' and costs.cost_full_cny_t is not null
    group by costs.commodity_code, costs.as_of_date, costs.provider, costs.model_id

),

lines as (

    select
        costs.*,
        spot.value as spot_cny_t,
        spot.obs_date as spot_date,
        spot.available_at as spot_available_at,
        spot.value - costs.cost_full_cny_t as profit_cny_t,
        {{ pct('spot.value', 'costs.cost_full_cny_t') }} as margin_pct,
        futures.close_cny_t - costs.cost_full_cny_t as profit_futures_cny_t,
        futures.close_cny_t - costs.cost_high_cny_t as profit_futures_low_cny_t,
        futures.close_cny_t - costs.cost_low_cny_t as profit_futures_high_cny_t,
        futures.available_at as futures_available_at,
        cost_changes.d_cost20_pct,
        ore_changes.bauxite_chg20_pct,
        regions.underwater_share_ratio,
        regions.underwater_regions_ratio
    from costs
    left join spot
        on
            costs.commodity_code = spot.commodity_code
            and costs.as_of_date = spot.as_of_date
            and costs.provider = spot.provider
            and costs.region = spot.region
    left join futures
        on
            costs.commodity_code = futures.commodity_code
            and costs.as_of_date = futures.trade_date
            and costs.decision_at >= futures.available_at
    left join cost_changes
        on
            costs.commodity_code = cost_changes.commodity_code
            and costs.as_of_date = cost_changes.as_of_date
            and costs.provider = cost_changes.provider
            and costs.model_id = cost_changes.model_id
            and costs.region = cost_changes.region
    left join ore_changes
        on
            costs.commodity_code = ore_changes.commodity_code
            and costs.as_of_date = ore_changes.as_of_date
            and costs.provider = ore_changes.provider
    left join regions
        on
            costs.commodity_code = regions.commodity_code
            and costs.as_of_date = regions.as_of_date
            and costs.provider = regions.provider
            and costs.model_id = regions.model_id
            and costs.region = regions.region

),

final as (

    select
        lines.commodity_code,
        lines.as_of_date as trade_date,
        lines.provider,
        lines.model_id,
        lines.region,
        lines.frequency,
        lines.spot_cny_t,
        lines.spot_date,
        lines.cost_full_cny_t,
        lines.cost_low_cny_t,
        lines.cost_high_cny_t,
        lines.cost_cash_cny_t,
        lines.cost_date,
        lines.profit_cny_t,
        lines.margin_pct,
        lines.profit_printed_cny_t,
        lines.profit_date,
        lines.profit_futures_cny_t,
        lines.profit_futures_low_cny_t,
        lines.profit_futures_high_cny_t,
        100.0 * lines.profit_futures_cny_t / nullif(lines.cost_full_cny_t, 0.0) as margin_futures_pct,
        lines.d_cost20_pct,
        lines.bauxite_chg20_pct,
        abs(lines.bauxite_chg20_pct) < parameters.ore_stable_pct as is_bauxite_stable,
        lines.d_cost20_pct <= parameters.cost_pressure_pct as is_cost_pressure_limited,
        lines.underwater_share_ratio,
        lines.underwater_regions_ratio,
        case
            when lines.region <> 'national' or lines.underwater_share_ratio is not null then null
            when lines.underwater_regions_ratio is null then 'no_regional_cost'
            else 'no_regional_capacity'
        end as underwater_null_reason,
        lines.ore_cost_cny_t,
        lines.caustic_cost_cny_t,
        lines.energy_cost_cny_t,
        lines.other_cost_cny_t,
        case
            when lines.cost_full_cny_t is null and lines.cost_cash_cny_t is not null then 'cash_cost_only'
            when lines.cost_full_cny_t is null then 'no_cost_of_this_model'
            when lines.spot_cny_t is null then 'no_spot_price'
        end as null_reason,
        {{ reasons({
            'profit_futures_cny_t': {
                'lines.profit_futures_cny_t is null and lines.cost_full_cny_t is not null': 'no_futures_price',
            },
            'profit_printed_cny_t': {'lines.profit_printed_cny_t is null': 'not_printed'},
            'cost_cash_cny_t': {'lines.cost_cash_cny_t is null': 'not_printed'},
            'd_cost20_pct': {'lines.d_cost20_pct is null': 'no_cost_20_sessions_before'},
            'bauxite_chg20_pct': {'lines.bauxite_chg20_pct is null': 'no_ore_index_20_sessions_before'},
        }) }} as other_null_reason,
        -- greatest() ignores nulls: a missing leg has no part in the row.
        greatest(lines.available_at, lines.spot_available_at, lines.futures_available_at) as available_at,
        lines.data_origin,
        lines.payload_sha256
    from lines
    inner join parameters on lines.commodity_code = parameters.commodity_code

)

select * from final
