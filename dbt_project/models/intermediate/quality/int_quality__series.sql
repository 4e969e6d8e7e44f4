{{ config(materialized='view') }}

with series as (

    select * from {{ ref('int_series__values') }}

),

-- A price of another role that equals the provider's own index of the day to the last digit was copied, not quoted.
copied_figures as (

    select
        'int_series__values' as table_name,
        figures.obs_date as trade_date,
        figures.provider || ' ' || figures.series_id as subject,
        cast(null as double) as expected_value,
        figures.value as found_value,
        min(greatest(figures.available_at, prices.available_at)) as available_at,
        figures.payload_sha256
    from series as figures
    inner join series as prices
        on
            figures.commodity_code = prices.commodity_code
            and figures.provider = prices.provider
            and figures.obs_date = prices.obs_date
            and figures.unit = prices.unit
            and figures.value = prices.value
    where figures.role <> 'spot' and prices.role = 'spot' and prices.region = 'national' and prices.unit = 'CNY/t'
    group by figures.obs_date, figures.provider, figures.series_id, figures.value, figures.payload_sha256

),

final as (

    {{ identities([
        ('figure_is_no_copy_of_the_index', 'copied_figures', 'the figure equals the index of its provider on the day to the last digit: a copy error'),
    ]) }}

)

select * from final
