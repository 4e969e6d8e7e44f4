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

judged as (

    select * from {{ ref('int_series__judged') }}
    where available_at is not null and frequency = 'daily'

),

days as (

    select * from {{ ref('stg_catalog__trading_days') }}

),

-- The change a vendor prints, against the price it printed for the session before, in whichever file. Of a price that was restated since,
-- one version that fits is enough.
printed_changes as (

    select
        later.dataset as table_name,
        later.obs_date as trade_date,
        later.provider || ' ' || later.series_id as subject,
        {{ arg_max('later.value - earlier.value', '-abs(later.value - earlier.value - later.change_value)') }} as expected_value,
        later.change_value as found_value,
        max(greatest(later.available_at, earlier.available_at)) as available_at,
        later.payload_sha256
    from judged as later
    inner join days on later.obs_date = days.trade_date
    inner join days as days_before on days.session_index - 1 = days_before.session_index
    inner join judged as earlier
        on
            later.provider = earlier.provider
            and later.series_id = earlier.series_id
            and days_before.trade_date = earlier.obs_date
    where later.change_value is not null
    group by
        later.dataset, later.obs_date, later.provider, later.series_id, later.value, later.change_value, later.payload_sha256

),

-- Changes are rounded like the prices they join: half a unit of the second decimal on each side.
differing_changes as (

    select * from printed_changes
    where abs(expected_value - found_value) > 0.011

),

final as (

    {{ identities([
        ('printed_change_is_the_difference_of_two_prints', 'differing_changes', 'the printed change is not the difference to the price of the session before'),
        ('figure_is_no_copy_of_the_index', 'copied_figures', 'the figure equals the index of its provider on the day to the last digit: a copy error'),
    ]) }}

)

select * from final
