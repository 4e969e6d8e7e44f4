-- Whether the exchange raised a contract's price limit or its margin of speculation since the session before, as the decision of the day knew it.
with limits as (

    select * from {{ ref('int_exchange__limits') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

timed as (

    select
        limits.exchange,
        limits.product_id,
        limits.delivery_month_code,
        limits.trade_date,
        limits.upper_limit_ratio,
        limits.spec_long_margin_ratio,
        limits.payload_sha256,
        limits.fetched_at,
        {{ shanghai_time('limits.trade_date', 'parameters.decision_time_minutes') }} as decided_by,
        {{ clock_at('limits.trade_date', 'limits.published_at', 'clock') }} as clock_at
    from limits
    inner join clock on limits.dataset = clock.dataset
    cross join parameters

),

versions as (

    {{ versions(
        'timed',
        keys=['exchange', 'product_id', 'delivery_month_code', 'trade_date'],
        values=['upper_limit_ratio', 'spec_long_margin_ratio'],
        decided=true
    ) }}

),

-- What came after its own day's decision is as if it were not there.
compared as (

    select
        *,
        lag(upper_limit_ratio) over contract_days as earlier_limit_ratio,
        lag(spec_long_margin_ratio) over contract_days as earlier_margin_ratio
    from versions
    where is_decided and available_at <= decided_by
    window contract_days as (partition by exchange, product_id, delivery_month_code order by trade_date)

),

final as (

    select
        exchange,
        product_id,
        delivery_month_code,
        trade_date,
        upper_limit_ratio > earlier_limit_ratio as is_limit_raised,
        spec_long_margin_ratio > earlier_margin_ratio as is_margin_raised
    from compared

)

select * from final
