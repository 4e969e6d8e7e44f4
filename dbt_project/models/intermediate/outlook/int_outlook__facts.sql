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
        max(available_at) as available_at,
        {{ arg_max('payload_sha256', 'net_cny_t') }} as payload_sha256
    from carry
    group by commodity_code, trade_date

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

quotes_facts as (

    {%- set major = 'parameters.level_major_step_cny_t' %}
    {%- set from_close = 'abs(limits.close_cny_t / (' ~ major ~ ' * round(limits.close_cny_t / ' ~ major ~ ')) - 1.0)' %}
    {%- set from_high = 'abs(limits.high_cny_t / (' ~ major ~ ' * round(limits.high_cny_t / ' ~ major ~ ')) - 1.0)' %}
    {%- set figures = {
        'ret_cc_2d_pct': 'limits.ret_cc_2d_pct',
        'trend': "case limits.trend_state when 'up_strong' then 1.0 when 'down_strong' then -1.0 when 'none' then 0.0 end",
        'return_2d_sigmas': 'abs(limits.ret_cc_2d_pct) / nullif(limits.sigma20_pct, 0.0)',
        'volume_oi_ratio': 'limits.volume_oi_ratio',
        'distance_to_major_pct': '100.0 * least(' ~ from_close ~ ', ' ~ from_high ~ ')',
        'is_limit_raised': 'case when limits.limit_ratio > limits.limit_ratio_before then 1.0 when limits.limit_ratio <= limits.limit_ratio_before then 0.0 end',
        'is_margin_raised': 'case when limits.spec_margin_ratio > limits.margin_ratio_before then 1.0'
        ~ ' when limits.spec_margin_ratio <= limits.margin_ratio_before then 0.0 end',
        'is_limit_changed': 'case when limits.limit_ratio <> limits.limit_ratio_before then 1.0 when limits.limit_ratio_before is not null then 0.0 end',
        'is_margin_changed': 'case when limits.spec_margin_ratio <> limits.margin_ratio_before then 1.0'
        ~ ' when limits.margin_ratio_before is not null then 0.0 end',
    } %}
    {%- for signal, figure in figures.items() %}
    select
        limits.commodity_code,
        '{{ signal }}' as signal,
        limits.trade_date as data_date,
        limits.available_at,
        {{ figure }} as signal_value,
        limits.payload_sha256
    from limits
    inner join parameters on limits.commodity_code = parameters.commodity_code
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

receipts_facts as (

    {%- set figures = {
        'receipts_t': 'receipts_t',
        'squeeze_ratio': 'squeeze_ratio',
        'receipts_percentile_ratio': 'percentile_since_first_nonzero_ratio',
        'squeeze_level': "case squeeze_state when 'alert' then 2.0 when 'watch' then 1.0 when 'none' then 0.0 end",
        'expiring_30d_ratio': 'expiry_30d_ratio',
        'receipts_change_3d_pct': 'receipts_change_3d_pct',
        'receipts_change_norm': 'receipts_change_norm',
        'is_receipts_inflow': 'case when is_inflow then 1.0 when not is_inflow then 0.0 end',
    } %}
    {%- for signal, figure in figures.items() %}
    select
        commodity_code,
        '{{ signal }}' as signal,
        trade_date as data_date,
        available_at,
        {{ figure }} as signal_value,
        payload_sha256
    from receipts
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

position_facts as (

    {%- set figures = {
        'capital_flow_ratio': 'capital_flow_ratio',
        'signed_turnover_ratio': 'signed_turnover_ratio',
        'top20_net_ratio': 'top20_net_pct / 100.0',
    } %}
    {%- for signal, figure in figures.items() %}
    select
        commodity_code,
        '{{ signal }}' as signal,
        trade_date as data_date,
        available_at,
        {{ figure }} as signal_value,
        payload_sha256
    from positioning
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

final as (

    select * from quotes_facts
    where signal_value is not null

    union all

    select * from receipts_facts
    where signal_value is not null

    union all

    select * from position_facts
    where signal_value is not null

    union all

    select
        commodity_code,
        'is_backwardation' as signal,
        trade_date as data_date,
        available_at,
        case when shape = 'backwardation' then 1.0 else 0.0 end as signal_value,
        payload_sha256
    from curve
    where shape is not null

    union all

    select
        commodity_code,
        'premium_rate_pct' as signal,
        trade_date as data_date,
        available_at,
        premium_rate_pct as signal_value,
        payload_sha256
    from national
    where premium_rate_pct is not null

    union all

    select
        best_carry.commodity_code,
        'carry_excess_cny_t' as signal,
        best_carry.trade_date as data_date,
        best_carry.available_at,
        best_carry.net_cny_t - hurdles.term_value as signal_value,
        best_carry.payload_sha256
    from best_carry
    inner join hurdles
        on
            best_carry.commodity_code = hurdles.commodity_code
            and {{ in_force('hurdles', 'best_carry.trade_date') }}

)

select * from final
