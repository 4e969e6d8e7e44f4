with quotes as (

    select * from {{ ref('stg_spot__quotes') }}

),

series as (

    select * from {{ ref('stg_catalog__series') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

timed as (

    select
        series.commodity_code,
        series.role,
        series.region,
        quotes.provider,
        quotes.series_id,
        quotes.frequency,
        quotes.obs_date as trade_date,
        quotes.value as value_cny_t,
        quotes.low_value as low_cny_t,
        quotes.high_value as high_cny_t,
        quotes.change_value as published_change_cny_t,
        quotes.source,
        quotes.data_origin,
        quotes.payload_sha256,
        quotes.fetched_at,
        {{ available_at('quotes.obs_date', 'quotes.published_at', 'clock') }} as available_at
    from quotes
    inner join series
        on
            quotes.provider = series.provider
            and quotes.series_id = series.series_id
    inner join clock on clock.dataset = 'spot__quotes'
    where quotes.unit = 'CNY/t'

),

final as (

    select
        *,
        {{ vintage(['commodity_code', 'provider', 'series_id', 'trade_date']) }} as vintage,
        {{ is_latest(['commodity_code', 'provider', 'series_id', 'trade_date']) }} as is_latest
    from timed

)

select * from final
