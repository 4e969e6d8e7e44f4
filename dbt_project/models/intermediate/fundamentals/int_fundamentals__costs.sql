-- Cost of production and profit as known at each decision: the daily and the monthly model, each of the first provider by name.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

margins as (

    select * from {{ ref('int_margins__daily') }}
    -- The public model rests on assumptions. It is shown beside a vendor's model and never replaces it.
    where region = 'national' and model_id <> 'public'

),

daily_margins as (

    select
        *,
        row_number() over (partition by commodity_code, trade_date order by provider, model_id) as place
    from margins
    where frequency = 'daily' and cost_full_cny_t is not null

),

monthly_costs as (

    select
        *,
        row_number() over (partition by commodity_code, trade_date order by provider, model_id) as place
    from margins
    where frequency = 'monthly' and cost_full_cny_t is not null

),

-- The rank among the profits of a trailing window, each as known at its own decision.
profit_ranks as (

    select
        {%- for measure, name in [('count', 'observations'), ('share_at_most', 'percentile_ratio')] %}
        {{ within(
            measure,
            'margins.profit_cny_t',
            'margins.commodity_code, margins.provider, margins.model_id',
            'decisions.session_index',
            'parameters.percentile_window_sessions'
        ) }} as {{ name }},
        {%- endfor %}
        margins.commodity_code,
        margins.trade_date
    from daily_margins as margins
    inner join parameters on margins.commodity_code = parameters.commodity_code
    inner join decisions
        on
            margins.commodity_code = decisions.commodity_code
            and margins.trade_date = decisions.as_of_date
    where margins.place = 1 and margins.profit_cny_t is not null

),

final as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        decisions.decision_at,
        decisions.data_origin,
        daily_margins.margin_pct,
        daily_margins.profit_cny_t,
        daily_margins.cost_full_cny_t,
        daily_margins.provider as cost_provider,
        daily_margins.model_id as cost_model_id,
        daily_margins.cost_date,
        daily_margins.spot_date,
        daily_margins.null_reason as margin_reason,
        daily_margins.available_at as margin_available_at,
        daily_margins.payload_sha256,
        monthly_costs.cost_full_cny_t as cost_full_monthly_cny_t,
        monthly_costs.cost_date as cost_full_monthly_date,
        case when profit_ranks.observations >= parameters.percentile_minimum_sessions then profit_ranks.percentile_ratio end
            as profit_percentile_ratio,
        parameters.profit_high_percentile_ratio
    from decisions
    inner join parameters on decisions.commodity_code = parameters.commodity_code
    left join daily_margins
        on
            decisions.commodity_code = daily_margins.commodity_code
            and decisions.as_of_date = daily_margins.trade_date
            and daily_margins.place = 1
    left join monthly_costs
        on
            decisions.commodity_code = monthly_costs.commodity_code
            and decisions.as_of_date = monthly_costs.trade_date
            and monthly_costs.place = 1
    left join profit_ranks
        on
            decisions.commodity_code = profit_ranks.commodity_code
            and decisions.as_of_date = profit_ranks.trade_date

)

select * from final
