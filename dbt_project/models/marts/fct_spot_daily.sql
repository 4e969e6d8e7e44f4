-- Spot prices of each region with their moves. Providers are never mixed: every comparison stays within one.
with series as (

    select * from {{ ref('int_series__daily') }}
    where reading = 'latest' and unit = 'CNY/t' and role in ('spot', 'tender')

),

-- Regions of each daily print of a provider, each with the day it was given before.
regional as (

    select
        commodity_code,
        provider,
        trade_date,
        lag(trade_date) over (partition by commodity_code, provider, series_id order by trade_date) as own_previous_date
    from series
    where role = 'spot' and region <> 'national' and frequency = 'daily'

),

prints as (

    select
        commodity_code,
        provider,
        trade_date,
        count(*) as regions,
        lag(trade_date) over own as previous_date,
        lag(count(*)) over own as previous_regions
    from regional
    group by commodity_code, provider, trade_date
    window own as (partition by commodity_code, provider order by trade_date)

),

-- A region that was given the print before and is not given now: what is said of all regions is not known that day.
gaps as (

    select
        prints.commodity_code,
        prints.provider,
        prints.trade_date
    from prints
    inner join regional
        on
            prints.commodity_code = regional.commodity_code
            and prints.provider = regional.provider
            and prints.trade_date = regional.trade_date
    group by prints.commodity_code, prints.provider, prints.trade_date
    having count(case when regional.own_previous_date = prints.previous_date then 1 end) < max(prints.previous_regions)

),

marked as (

    select
        series.*,
        gaps.trade_date is not null as has_region_missing
    from series
    left join gaps
        on
            series.commodity_code = gaps.commodity_code
            and series.provider = gaps.provider
            and series.trade_date = gaps.trade_date

),

moves as (

    select
        *,
        coalesce((low_value + high_value) / 2.0, value) as mid_value,
        lag(value) over own as previous_value,
        value - lag(value) over own as change_value,
        greatest(available_at, lag(available_at) over own) as moved_at
    from marked
    window own as (partition by commodity_code, role, provider, series_id order by trade_date)

),

compared as (

    select
        *,
        case when count(change_value) over last_five = 5 then avg(change_value) over last_five end as mean_change_before,
        -- Shares and spreads are of regions; the national figure is an average of them.
        avg(cast(case
            when role = 'spot' and region <> 'national' and change_value is not null then case when change_value > 0.0 then 1.0 else 0.0 end
        end as double)) over same_day as region_up_share_ratio,
        max(case when role = 'spot' and region <> 'national' then mid_value end) over same_day
        - min(case when role = 'spot' and region <> 'national' then mid_value end) over same_day as region_spread_cny_t,
        max(case when role = 'spot' and region = 'national' then value end) over same_day as national_cny_t,
        max(case when role = 'tender' then value end) over same_day as tender_cny_t,
        greatest(max(moved_at) over same_day, max(available_at) over with_five_before) as compared_at
    from moves
    window
        last_five as (
            partition by commodity_code, role, provider, series_id
            order by trade_date
            rows between 5 preceding and 1 preceding
        ),
        with_five_before as (
            partition by commodity_code, role, provider, series_id
            order by trade_date
            rows between 5 preceding and current row
        ),
        same_day as (partition by commodity_code, provider, trade_date)

),

final as (

    select
        commodity_code,
        trade_date,
        provider,
        region,
        series_id,
        frequency,
        value as spot_cny_t,
        low_value as spot_low_cny_t,
        high_value as spot_high_cny_t,
        mid_value as spot_mid_cny_t,
        change_value as spot_change_cny_t,
        {{ pct('value', 'previous_value') }} as spot_change_pct,
        change_value > mean_change_before as is_accelerating,
        case when not has_region_missing then region_up_share_ratio end as region_up_share_ratio,
        value - national_cny_t as spread_to_national_cny_t,
        case when not has_region_missing then region_spread_cny_t end as region_spread_cny_t,
        case
            when has_region_missing then null
            when region_up_share_ratio < 1.0 then false
            when region_up_share_ratio = 1.0 then tender_cny_t >= national_cny_t
        end as is_tight,
        {{ reasons({
            'spot_change_cny_t': {'change_value is null': 'no_previous_price'},
            'is_accelerating': {'change_value > mean_change_before is null': 'too_few_observations'},
            'region_up_share_ratio': {'has_region_missing': 'region_missing', 'region_up_share_ratio is null': 'no_regional_change'},
            'spread_to_national_cny_t': {'national_cny_t is null': 'no_national_price'},
            'region_spread_cny_t': {'has_region_missing': 'region_missing', 'region_spread_cny_t is null': 'no_regional_price'},
            'is_tight': {
                'has_region_missing': 'region_missing',
                'region_up_share_ratio is null': 'no_regional_change',
                'region_up_share_ratio = 1.0 and tender_cny_t is null': 'no_tender_price',
                'region_up_share_ratio = 1.0 and national_cny_t is null': 'no_national_price',
            },
        }) }} as null_reason,
        compared_at as available_at,
        source,
        data_origin,
        payload_sha256
    from compared
    where role = 'spot'

)

select * from final
