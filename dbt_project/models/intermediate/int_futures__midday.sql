-- The price of each contract at 11:30 of the session, from bars that end just then; of several vendors the first by name, never a mix.
with bars as (

    select * from {{ ref('stg_bars__prices') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}
    where dataset = 'bars__prices'

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

timed as (

    select
        commodities.commodity_code,
        commodities.commodity_code || bars.delivery_month_code as contract_code,
        bars.trade_date,
        bars.provider,
        bars.bar_length,
        bars.close_price as midday_cny_t,
        bars.source,
        bars.data_origin,
        bars.payload_sha256,
        bars.fetched_at,
        {{ shanghai_time('bars.trade_date', 'parameters.decision_time_minutes') }} as decided_by,
        -- A bar is known when it ends.
        {{ clock_at('bars.trade_date', 'bars.event_at', 'clock') }} as clock_at
    from bars
    inner join commodities on bars.product_id = commodities.product_id
    inner join parameters on commodities.commodity_code = parameters.commodity_code
    cross join clock
    where bars.event_at = {{ shanghai_time('bars.trade_date', 'parameters.midday_minutes') }}

),

versions as (

    {{ versions(
        'timed',
        keys=['commodity_code', 'contract_code', 'trade_date', 'provider', 'bar_length'],
        values=['midday_cny_t'],
        decided=true
    ) }}

),

told as (

    {{ readings('versions') }}

),

placed as (

    select
        *,
        row_number() over (partition by reading, contract_code, trade_date order by provider, bar_length) as place
    from told

),

final as (

    select
        reading,
        commodity_code,
        contract_code,
        trade_date,
        midday_cny_t,
        available_at,
        source,
        data_origin,
        payload_sha256
    from placed
    where place = 1

)

select * from final
