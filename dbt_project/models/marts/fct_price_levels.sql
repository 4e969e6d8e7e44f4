with levels as (

    select * from {{ ref('int_price__levels') }}
    where reading = 'latest'

),

final as (

    select
        commodity_code,
        trade_date,
        level_kind,
        level_cny_t,
        contract_code,
        prior_high_20d_cny_t,
        is_broken,
        broken_session,
        null_reason,
        available_at,
        data_origin,
        payload_sha256
    from levels

)

select * from final
