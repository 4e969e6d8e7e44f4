-- How many returns of the held contract were known at each decision: a return is known once both its closes are, so quotes that come late make
-- no earlier decision's chain longer.
with decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

chain as (

    select * from {{ ref('int_panel__chain') }}

),

line as (

    select
        commodities.commodity_code,
        chain.available_at as moment,
        cast(null as date) as as_of_date,
        1 as known_returns
    from chain
    inner join commodities
        on
            chain.exchange = commodities.exchange
            and chain.product_id = commodities.product_id
    where chain.log_return is not null

    union all

    select
        commodity_code,
        decision_at as moment,
        as_of_date,
        0 as known_returns
    from decisions

),

counted as (

    select
        *,
        sum(known_returns) over (partition by commodity_code order by moment) as chain_sessions
    from line

),

final as (

    select
        commodity_code,
        as_of_date,
        cast(chain_sessions as double) as chain_sessions
    from counted
    where as_of_date is not null

)

select * from final
