-- Exchange facts that score and rules read, in one long form and in the decided reading: what, about which day, known from when, from
-- which payload. What vendors, customs and policy say comes as known at each decision and joins in int_outlook__signals.
with futures as (

    select * from {{ ref('int_futures__daily') }}
    where reading = 'decided'

),

positioning as (

    select * from {{ ref('int_positioning__daily') }}
    where reading = 'decided' and is_dominant and session = 'day'

),

curve as (

    select * from {{ ref('int_term_structure__daily') }}
    where reading = 'decided'

),

receipts as (

    select * from {{ ref('int_receipts__daily') }}
    where reading = 'decided'

),

basis as (

    select * from {{ ref('int_basis__daily') }}
    where reading = 'decided' and futures_leg = 'close' and spot_leg = 'natl'

),

carry as (

    select * from {{ ref('int_carry__daily') }}
    where reading = 'decided' and is_best_pair and contract_role = 'dominant'

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

hurdles as (

    select * from {{ ref('int_commodities__terms') }}
    where term = 'carry_hurdle_cny_t' and scope = ''

),

-- A limit or margin is compared on one contract and as one source says it: neither a roll nor a file that came too late is a change.
limits as (

    select *
    from (
        select
            *,
            lag(limit_ratio) over (partition by contract_code, limit_source order by trade_date) as limit_ratio_before,
            lag(spec_margin_ratio) over (partition by contract_code, margin_source order by trade_date) as margin_ratio_before
        from futures
    ) as compared
    where is_dominant

),

-- The best pair of origin and warehouse of each session, of whichever provider; the national yardstick is none.
best_carry as (

    select
        commodity_code,
        trade_date,
        max(net_cny_t) as net_cny_t,
        {{ arg_max('break_even_premium_cny_t', 'net_cny_t') }} as break_even_premium_cny_t,
        max(available_at) as available_at,
        {{ arg_max('payload_sha256', 'net_cny_t') }} as payload_sha256
    from carry
    group by commodity_code, trade_date

),

paying as (

    select
        best_carry.*,
        hurdles.term_value
    from best_carry
    inner join hurdles
        on
            best_carry.commodity_code = hurdles.commodity_code
            and {{ in_force('hurdles', 'best_carry.trade_date') }}

),

-- One provider's national spot price a commodity; of several the first by name.
national as (

    select *
    from (
        select
            *,
            row_number() over (partition by commodity_code, trade_date, price_source order by provider) as place
        from basis
    ) as placed
    where place = 1 and price_source = 'exchange'

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

-- What the panel of all products says of a commodity: its volatility, its chain of returns on one contract, its signals. A signal that is
-- missing there stands at its neutral value with a flag; here it is no row.
panel as (

    select
        commodities.commodity_code,
        windows.trade_date,
        -- What stands on quotes that came after the decision says nothing.
        {%- for figure in ['two_day_return', 'sigma60', 'log_above_mean'] %}
        case when windows.is_known then windows.{{ figure }} end as {{ figure }},
        {%- endfor %}
        {%- for signal in ['mom12', 'carry', 'bmom', 'rcpt'] %}
        case when not signals.is_{{ signal }}_missing then signals.{{ signal }} end as {{ signal }},
        {%- endfor %}
        chain.available_at,
        chain.payload_sha256
    from {{ ref('int_panel__windows') }} as windows
    inner join commodities
        on
            windows.exchange = commodities.exchange
            and windows.product_id = commodities.product_id
    inner join {{ ref('int_panel__chain') }} as chain
        on
            windows.exchange = chain.exchange
            and windows.product_id = chain.product_id
            and windows.trade_date = chain.trade_date
    inner join {{ ref('int_panel__signals') }} as signals
        on
            windows.exchange = signals.exchange
            and windows.product_id = signals.product_id
            and windows.trade_date = signals.trade_date

),

-- What a limited contract's own figures need besides them.
measured as (

    select
        limits.*,
        panel.sigma60,
        parameters.level_major_step_cny_t * round(limits.close_cny_t / parameters.level_major_step_cny_t) as major_by_close_cny_t,
        parameters.level_major_step_cny_t * round(limits.high_cny_t / parameters.level_major_step_cny_t) as major_by_high_cny_t
    from limits
    inner join parameters on limits.commodity_code = parameters.commodity_code
    left join panel
        on
            limits.commodity_code = panel.commodity_code
            and limits.trade_date = panel.trade_date

),

-- Open interest that is built counts whole, what is closed half: new positions are somebody's money, closed ones an end of it.
pressures as (

    select
        positioning.*,
        positioning.position_pressure_ratio
        * case when positioning.quadrant in ('short_covering', 'long_liquidation') then parameters.quadrant_closing_weight else 1.0 end
            as quadrant_pressure_ratio
    from positioning
    inner join parameters on positioning.commodity_code = parameters.commodity_code

),

{%- set distance = 'least(abs(close_cny_t / major_by_close_cny_t - 1.0), abs(high_cny_t / major_by_high_cny_t - 1.0))' %}

final as (

    {{ as_facts('measured', {
        'ret_cc_2d_pct': 'ret_cc_2d_pct',
        'trend': "case trend_state when 'up_strong' then 1.0 when 'down_strong' then -1.0 when 'none' then 0.0 end",
        'volume_oi_ratio': 'volume_oi_ratio',
        'distance_to_major_pct': '100.0 * ' ~ distance,
        'distance_to_major_sigmas': distance ~ ' / nullif(sigma60 * sqrt(5.0), 0.0)',
        'is_limit_raised': 'case when limit_ratio > limit_ratio_before then 1.0 when limit_ratio <= limit_ratio_before then 0.0 end',
        'is_margin_raised':
            'case when spec_margin_ratio > margin_ratio_before then 1.0 when spec_margin_ratio <= margin_ratio_before then 0.0 end',
        'is_limit_changed': 'case when limit_ratio <> limit_ratio_before then 1.0 when limit_ratio_before is not null then 0.0 end',
        'is_margin_changed': 'case when spec_margin_ratio <> margin_ratio_before then 1.0 when margin_ratio_before is not null then 0.0 end',
    }) }}

    union all

    {{ as_facts('panel', {
        'return_2d_sigmas': 'abs(two_day_return) / nullif(sigma60 * sqrt(2.0), 0.0)',
        'close_over_ma20_pct': '100.0 * (exp(log_above_mean) - 1.0)',
        'mom12': 'mom12',
        'carry': 'carry',
        'bmom': 'bmom',
        'rcpt': 'rcpt',
    }) }}

    union all

    {{ as_facts('receipts', {
        'receipts_t': 'receipts_t',
        'squeeze_ratio': 'squeeze_ratio',
        'receipts_percentile_ratio': 'percentile_since_first_nonzero_ratio',
        'is_receipts_low': 'case when is_low then 1.0 when not is_low then 0.0 end',
        'squeeze_level': "case squeeze_state when 'alert' then 2.0 when 'watch' then 1.0 when 'none' then 0.0 end",
        'expiring_30d_ratio': 'expiry_30d_ratio',
        'receipts_change_3d_pct': 'receipts_change_3d_pct',
        'receipts_change_norm': 'receipts_change_norm',
        'is_receipts_inflow': 'case when is_inflow then 1.0 when not is_inflow then 0.0 end',
    }) }}

    union all

    {{ as_facts('pressures', {
        'quadrant_pressure_ratio': 'quadrant_pressure_ratio',
        'signed_turnover_ratio': 'signed_turnover_ratio',
        'top20_net_ratio': 'top20_net_pct / 100.0',
    }) }}

    union all

    {{ as_facts('curve', {'is_backwardation': "case when shape = 'backwardation' then 1.0 when shape is not null then 0.0 end"}) }}

    union all

    {{ as_facts('national', {'premium_rate_pct': 'premium_rate_pct'}, leg=leg_of(['futures_leg', 'spot_leg', 'provider'])) }}

    union all

    {{ as_facts('paying', {'carry_excess_cny_t': 'net_cny_t - term_value', 'break_even_premium_cny_t': 'break_even_premium_cny_t'}) }}

)

select * from final
