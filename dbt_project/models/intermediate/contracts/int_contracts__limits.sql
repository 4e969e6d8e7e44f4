-- Price limits and margins the exchange's own files say were in force during a day, contract by contract.
with limits as (

    select * from {{ ref('int_exchange__limits') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

timed as (

    select
        commodities.commodity_code,
        commodities.commodity_code || limits.delivery_month_code as contract_code,
        limits.trade_date,
        limits.upper_limit_ratio,
        limits.lower_limit_ratio,
        limits.spec_long_margin_ratio,
        limits.data_origin,
        limits.payload_sha256,
        limits.fetched_at,
        {{ shanghai_time('limits.trade_date', 'parameters.decision_time_minutes') }} as decided_by,
        {{ clock_at('limits.trade_date', 'limits.published_at', 'clock') }} as clock_at
    from limits
    inner join commodities
        on
            limits.exchange = commodities.exchange
            and limits.product_id = commodities.product_id
    inner join clock on limits.dataset = clock.dataset
    inner join parameters on commodities.commodity_code = parameters.commodity_code

),

versions as (

    {{ versions(
        'timed',
        keys=['commodity_code', 'contract_code', 'trade_date'],
        values=['upper_limit_ratio', 'lower_limit_ratio', 'spec_long_margin_ratio'],
        decided=true
    ) }}

),

final as (

    select *
    from versions

)

select * from final
