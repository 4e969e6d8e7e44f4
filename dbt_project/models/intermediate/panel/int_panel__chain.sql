-- What a product does, session by session, on the contract that is held: the one with the largest open interest at the close before among those
-- far enough from their last trading day; it changes to later months only. A return is of one contract, also on the day of a change; a close
-- that is missing breaks the chain. The second chain is the next later liquid contract, the legs of the curve are those of the day's close.
with contracts as (

    select * from {{ ref('int_panel__contracts') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

totals as (

    select
        exchange,
        product_id,
        trade_date,
        session_index,
        cast(sum(volume_lots) as bigint) as volume_lots,
        cast(sum(open_interest_lots) as bigint) as open_interest_lots,
        sum(open_interest_before_lots) as open_interest_before_lots,
        max(available_at) as available_at,
        max(decided_by) as decided_by,
        max(data_origin) as data_origin,
        max(payload_sha256) as payload_sha256
    from contracts
    group by exchange, product_id, trade_date, session_index

),

leaders as (

    select
        contracts.exchange,
        contracts.product_id,
        contracts.trade_date,
        contracts.delivery_month_code,
        row_number() over (
            partition by contracts.exchange, contracts.product_id, contracts.trade_date
            order by contracts.open_interest_before_lots desc, contracts.delivery_month_code asc
        ) as place
    from contracts
    cross join parameters
    where
        contracts.open_interest_before_lots > 0
        and coalesce(contracts.sessions_left >= parameters.panel_roll_deadline_sessions, true)

),

-- Contracts that led before an earlier month led again stay: a change goes to later months only.
held as (

    select
        totals.*,
        max(leaders.delivery_month_code) over (partition by totals.exchange, totals.product_id order by totals.trade_date) as held_month_code
    from totals
    left join leaders
        on
            totals.exchange = leaders.exchange
            and totals.product_id = leaders.product_id
            and totals.trade_date = leaders.trade_date
            and leaders.place = 1

),

placed as (

    select
        contracts.*,
        held.held_month_code,
        contracts.open_interest_before_lots >= parameters.panel_liquid_open_interest_share * held.open_interest_before_lots as was_liquid,
        contracts.open_interest_lots >= parameters.panel_liquid_open_interest_share * held.open_interest_lots
        and contracts.open_interest_lots > 0
        and {{ delivery_month('contracts.delivery_month_code') }} > contracts.trade_date as is_leg
    from contracts
    inner join held
        on
            contracts.exchange = held.exchange
            and contracts.product_id = held.product_id
            and contracts.trade_date = held.trade_date
    cross join parameters

),

chosen as (

    select
        exchange,
        product_id,
        trade_date,
        min(case when delivery_month_code > held_month_code and was_liquid then delivery_month_code end) as next_month_code,
        min(case when is_leg then delivery_month_code end) as near_month_code
    from placed
    group by exchange, product_id, trade_date

),

legs as (

    select
        placed.exchange,
        placed.product_id,
        placed.trade_date,
        chosen.next_month_code,
        chosen.near_month_code,
        min(case when placed.is_leg and placed.delivery_month_code > chosen.near_month_code then placed.delivery_month_code end) as far_month_code
    from placed
    inner join chosen
        on
            placed.exchange = chosen.exchange
            and placed.product_id = chosen.product_id
            and placed.trade_date = chosen.trade_date
    group by placed.exchange, placed.product_id, placed.trade_date, chosen.next_month_code, chosen.near_month_code

),

{%- set roles = {'held': 'held.held_month_code', 'next': 'legs.next_month_code', 'near': 'legs.near_month_code', 'far': 'legs.far_month_code'} %}

final as (

    select
        held.exchange,
        held.product_id,
        held.trade_date,
        held.session_index,
        held.held_month_code,
        legs.next_month_code,
        legs.near_month_code,
        legs.far_month_code,
        held_contract.high_price,
        held_contract.close_price,
        held_contract.pre_settle_price,
        held_contract.sessions_left,
        held_contract.log_return,
        next_contract.log_return as next_log_return,
        coalesce(held_contract.break_reason, case when held_contract.trade_date is null then 'no_quote' end) as break_reason,
        near_contract.settle_price as near_settle_price,
        far_contract.settle_price as far_settle_price,
        held.volume_lots,
        held.open_interest_lots,
        held.available_at,
        held.decided_by,
        held.data_origin,
        held.payload_sha256
    from held
    inner join legs
        on
            held.exchange = legs.exchange
            and held.product_id = legs.product_id
            and held.trade_date = legs.trade_date
    {%- for role, month in roles.items() %}
    left join contracts as {{ role }}_contract
        on
            held.exchange = {{ role }}_contract.exchange
            and held.product_id = {{ role }}_contract.product_id
            and held.trade_date = {{ role }}_contract.trade_date
            and {{ month }} = {{ role }}_contract.delivery_month_code
    {%- endfor %}

)

select * from final
