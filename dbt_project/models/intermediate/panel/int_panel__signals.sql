-- The signals of a product at a decision, each clipped, 0 where it is neutral or missing, which its flag says; and whether the row counts in the
-- panel. What had not come by the decision is missing: of receipts those of the session before count then.
{%- set formulas = {
    'mom12': 'windows.momentum_sum / (windows.sigma60 * sqrt(parameters.panel_momentum_sessions))',
    'carry': 'parameters.panel_slope_factor * chain.year_slope / (windows.sigma60 * sqrt(parameters.panel_momentum_sessions))',
    'bmom': 'parameters.panel_slope_factor * windows.spread_sum / (windows.sigma60 * sqrt(parameters.panel_momentum_sessions))',
    'rcpt': '-parameters.panel_receipts_scale * (receipts.mid_rank - 0.5)',
} %}

with chain as (

    select
        *,
        ln(near_settle_price / far_settle_price) * 12.0
        / ({{ month_number('far_month_code') }} - {{ month_number('near_month_code') }}) as year_slope
    from {{ ref('int_panel__chain') }}

),

windows as (

    select * from {{ ref('int_panel__windows') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

-- The day's own, and what a day falls back on whose receipts came late or not at all: the session after reads them as of an age of one.
receipts as (

    select
        day.exchange,
        day.product_id,
        day.session_index,
        case when own.is_timely then own.mid_rank else earlier.mid_rank end as mid_rank,
        case
            when own.is_timely then own.null_reason
            when earlier.session_index is null then 'no_receipts'
            else earlier.null_reason
        end as null_reason
    from (
        select
            chain.exchange,
            chain.product_id,
            chain.session_index,
            chain.session_index - cast(parameters.panel_receipts_age_sessions as bigint) as earlier_index
        from chain
        cross join parameters
    ) as day
    left join {{ ref('int_panel__receipts') }} as own
        on
            day.exchange = own.exchange
            and day.product_id = own.product_id
            and day.session_index = own.session_index
    left join {{ ref('int_panel__receipts') }} as earlier
        on
            day.exchange = earlier.exchange
            and day.product_id = earlier.product_id
            and day.earlier_index = earlier.session_index

),

first_session as (

    select min(session_index) as first_index from chain

),

figured as (

    select
        windows.exchange,
        windows.product_id,
        windows.trade_date,
        windows.session_index,
        chain.data_origin,
        windows.sigma60,
        windows.is_known,
        receipts.null_reason as receipts_reason,
        {%- for signal, formula in formulas.items() %}
        case when windows.is_known then {{ formula }} end as {{ signal }},
        {%- endfor %}
        case
            when not windows.is_known then 'came_late'
            when windows.returns_so_far < parameters.panel_row_minimum_returns
                then 'fewer_than_' || cast(cast(parameters.panel_row_minimum_returns as bigint) as string) || '_returns'
            when windows.session_index < first_session.first_index + parameters.panel_warm_up_sessions then 'warm_up_of_the_panel'
            when windows.mean_volume_lots is null or windows.mean_volume_lots < parameters.panel_row_minimum_volume_lots then 'too_little_volume'
            when windows.sigma60 is null then 'no_volatility'
        end as row_reason,
        parameters.panel_signal_clip as clip
    from windows
    inner join chain
        on
            windows.exchange = chain.exchange
            and windows.product_id = chain.product_id
            and windows.trade_date = chain.trade_date
    inner join receipts
        on
            windows.exchange = receipts.exchange
            and windows.product_id = receipts.product_id
            and windows.session_index = receipts.session_index
    cross join parameters
    cross join first_session

),

final as (

    select
        exchange,
        product_id,
        trade_date,
        session_index,
        {%- for signal in formulas %}
        case when {{ signal }} is null then 0.0 else greatest(-clip, least(clip, {{ signal }})) end as {{ signal }},
        {{ signal }} is null as is_{{ signal }}_missing,
        {%- endfor %}
        nullif(
            concat_ws(
                ';',
                case when not is_known then 'all:came_late' end,
                case when is_known and sigma60 is null then 'all:too_few_returns' end,
                case when is_known and sigma60 is not null and mom12 is null then 'mom12:too_few_returns' end,
                case when is_known and sigma60 is not null and carry is null then 'carry:leg_missing' end,
                case when is_known and sigma60 is not null and bmom is null then 'bmom:too_few_returns' end,
                case when is_known and rcpt is null then 'rcpt:' || coalesce(receipts_reason, 'no_receipts') end
            ),
            ''
        ) as null_reason,
        row_reason is null as is_in_panel,
        row_reason,
        data_origin
    from figured

)

select * from final
