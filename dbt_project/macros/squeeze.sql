{#
The state of the nearest contract's squeeze, as CTEs from `nearest` to `held`. CTEs it stands on:

measured    one row per group, trade_date and contract that still trades: contract_code, delivery_month, session_index, receipts_qty,
            sessions_to_last_trading_day, open_interest_qty, total_qty (of all contracts), squeeze_ratio
parameters  the squeeze_* figures of each owner, one row in all where there is none

A group is what is ranked within itself: a commodity in one reading, a product of an exchange.
#}
{% macro squeeze_states(group, owner=[]) -%}
    {%- set of_group = group | join(', ') -%}
    nearest as (

        select *
        from (
            select
                *,
                row_number() over (partition by {{ of_group }}, trade_date order by sessions_to_last_trading_day, delivery_month) as place
            from measured
        ) as placed
        where place = 1

    ),

    distances as (

        select distinct
            {{ of_group }},
            sessions_to_last_trading_day
        from nearest

    ),

    -- A cycle at a distance: the median of that session and its two neighbours, so that one odd day makes no cycle.
    cycles as (

        select
            {{ prefixed('spread', group) }},
            spread.delivery_month,
            distances.sessions_to_last_trading_day,
            median(spread.squeeze_ratio) as squeeze_ratio
        from (
            select
                {{ of_group }},
                delivery_month,
                squeeze_ratio,
                sessions_to_last_trading_day,
                {{ each_of(numbers(3)) }} as place
            from measured
            where squeeze_ratio is not null
        ) as spread
        inner join distances
            on
                {{ same('spread', 'distances', group) }}
                and spread.sessions_to_last_trading_day - 1 + spread.place = distances.sessions_to_last_trading_day
        group by {{ prefixed('spread', group) }}, spread.delivery_month, distances.sessions_to_last_trading_day

    ),

    ranks as (

        select
            {{ prefixed('nearest', group) }},
            nearest.trade_date,
            count(*) as squeeze_cycles,
            avg(cast(
                case
                    when earlier.squeeze_ratio < nearest.squeeze_ratio then 1.0
                    when earlier.squeeze_ratio = nearest.squeeze_ratio then 0.5
                    else 0.0
                end as double
            )) as mid_rank_ratio
        from nearest
        inner join cycles as earlier
            on
                {{ same('nearest', 'earlier', group) }}
                and nearest.sessions_to_last_trading_day = earlier.sessions_to_last_trading_day
                and nearest.delivery_month > earlier.delivery_month
        where nearest.squeeze_ratio is not null
        group by {{ prefixed('nearest', group) }}, nearest.trade_date

    ),

    placed as (

        select
            nearest.*,
            coalesce(ranks.squeeze_cycles, 0) as squeeze_cycles,
            case when ranks.squeeze_cycles >= parameters.squeeze_cycles_minimum then ranks.mid_rank_ratio end as squeeze_percentile_ratio,
            parameters.squeeze_floor_base_ratio
            * (
                1.0 + least(nearest.sessions_to_last_trading_day, parameters.squeeze_floor_sessions_maximum)
                / parameters.squeeze_floor_step_sessions
            ) as squeeze_floor_ratio,
            parameters.squeeze_watch_divisor,
            parameters.squeeze_alert_percentile_ratio,
            parameters.squeeze_watch_percentile_ratio,
            parameters.squeeze_fall_sessions,
            parameters.squeeze_zero_sessions,
            parameters.squeeze_zero_share_ratio
        from nearest
        {% if owner %}inner join parameters on {{ same('nearest', 'parameters', owner) }}{% else %}cross join parameters{% endif %}
        left join ranks
            on
                {{ same('nearest', 'ranks', group) }}
                and nearest.trade_date = ranks.trade_date

    ),

    -- Of a short history the floor alone decides. With nothing registered there is no ratio: what counts is whether delivery is near and asked for.
    judged as (

        select
            *,
            case
                when open_interest_qty is null then null
                when
                    receipts_qty = 0.0
                    then case
                        when sessions_to_last_trading_day <= squeeze_zero_sessions and open_interest_qty >= squeeze_zero_share_ratio * total_qty then 2
                        else 0
                    end
                when squeeze_ratio >= squeeze_floor_ratio and coalesce(squeeze_percentile_ratio, 1.0) >= squeeze_alert_percentile_ratio then 2
                when
                    squeeze_ratio >= squeeze_floor_ratio / squeeze_watch_divisor
                    and coalesce(squeeze_percentile_ratio, 1.0) >= squeeze_watch_percentile_ratio
                    then 1
                else 0
            end as day_level
        from placed

    ),

    -- A state rises at once and falls when it was below for some sessions: the highest of those of one contract.
    held as (

        select
            *,
            case
                when day_level is not null
                    then {{ within('max', 'day_level', of_group ~ ', contract_code', 'session_index', 'squeeze_fall_sessions') }}
            end as squeeze_level
        from judged

    )
{%- endmacro %}

{# Columns of one side, and the condition that two sides agree in them. #}
{% macro prefixed(side, columns) -%}
    {%- for column in columns %}{{ side }}.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}
{% macro same(left, right, columns) -%}
    {%- for column in columns %}{{ 'and ' if not loop.first }}{{ left }}.{{ column }} = {{ right }}.{{ column }}{{ ' ' if not loop.last }}{% endfor %}
{%- endmacro %}
