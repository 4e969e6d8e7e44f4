-- Offsets of a spliced series, one a roll, at the close before it. Adjusted levels are not kept: each roll changes all of them.
with dominant as (

    select * from {{ ref('int_contracts__dominant') }}

),

daily as (

    select * from {{ ref('int_futures__daily') }}

),

quotes as (

    select * from daily
    where reading = 'latest'

),

-- A roll is seen when the first quotes of its session have come.
decided as (

    select * from daily
    where reading = 'decided'

),

chained as (

    select
        commodity_code,
        trade_date as roll_date,
        contract_code as to_contract,
        sub_dominant_contract,
        decision_date,
        lag(contract_code) over (partition by commodity_code order by trade_date) as from_contract
    from dominant

),

final as (

    select
        chained.commodity_code,
        chained.roll_date,
        chained.decision_date,
        chained.from_contract,
        chained.to_contract,
        chained.sub_dominant_contract,
        left_behind.close_cny_t as from_close_cny_t,
        taken_up.close_cny_t as to_close_cny_t,
        taken_up.close_cny_t - left_behind.close_cny_t as roll_diff_cny_t,
        taken_up.close_cny_t / nullif(left_behind.close_cny_t, 0.0) as roll_ratio,
        case
            when left_behind.contract_code is null or taken_up.contract_code is null then 'no_quote_before_the_roll'
            when left_behind.close_cny_t is null or taken_up.close_cny_t is null then 'not_traded_before_the_roll'
        end as null_reason,
        greatest(taken_up.available_at, left_behind.available_at, decided.available_at) as available_at,
        coalesce(taken_up.data_origin, left_behind.data_origin) as data_origin,
        coalesce(taken_up.payload_sha256, left_behind.payload_sha256) as payload_sha256
    from chained
    left join quotes as left_behind
        on
            chained.from_contract = left_behind.contract_code
            and chained.decision_date = left_behind.trade_date
    left join quotes as taken_up
        on
            chained.to_contract = taken_up.contract_code
            and chained.decision_date = taken_up.trade_date
    left join decided
        on
            chained.to_contract = decided.contract_code
            and chained.roll_date = decided.trade_date
    where chained.from_contract <> chained.to_contract

)

select * from final
