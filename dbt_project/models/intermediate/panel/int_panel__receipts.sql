-- Receipts of every product as they were known, and where they stand among the product's own: the mid-rank in the window, 0.5 in the middle.
-- A cancellation by rule at a product's expiry day says nothing of supply: no rank for some sessions after it. What came after its own day's
-- decision is as if it were not there, in the day itself and in every window.
with receipts as (

    select * from {{ ref('int_exchange__receipts') }}
    where row_level = 'detail' and product_id <> ''

),

wholes as (

    select * from {{ ref('int_receipts__wholes') }}

),

products as (

    select * from {{ ref('stg_catalog__products') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

parameters as (

    select * from {{ ref('int_panel__parameters') }}

),

months as (

    select * from {{ ref('stg_catalog__receipt_expiries') }}

),

days as (

    select
        trade_date,
        session_index,
        cast(extract(month from trade_date) as bigint) as month,
        lead(trade_date) over (order by trade_date) >= {{ add_months("cast(date_trunc('month', trade_date) as date)", 1) }} as is_month_end
    from {{ ref('stg_catalog__trading_days') }}

),

summed as (

    select
        receipts.exchange,
        receipts.dataset,
        receipts.product_id,
        receipts.trade_date,
        -- In tonnes, or in lots where the exchange prints lots: a rank asks for one unit, not for which.
        case
            when max(wholes.whole_reason) is null
                then sum(case receipts.quantity_unit when 'kg' then 0.001 else 1.0 end * receipts.receipts_qty)
        end as receipts_qty,
        max(case when receipts.quantity_unit = 'lot' then 1 else 0 end) = 1 as is_in_lots,
        receipts.data_origin,
        receipts.payload_sha256,
        receipts.fetched_at,
        receipts.published_at
    from receipts
    left join wholes
        on
            receipts.payload_sha256 = wholes.payload_sha256
            and receipts.trade_date = wholes.trade_date
            and receipts.product_id = wholes.product_id
    group by
        receipts.exchange,
        receipts.dataset,
        receipts.product_id,
        receipts.trade_date,
        receipts.data_origin,
        receipts.payload_sha256,
        receipts.fetched_at,
        receipts.published_at

),

timed as (

    select
        summed.*,
        {{ shanghai_time('summed.trade_date', 'parameters.decision_time_minutes') }} as decided_by,
        {{ clock_at('summed.trade_date', 'summed.published_at', 'clock') }} as clock_at
    from summed
    inner join clock on summed.dataset = clock.dataset
    cross join parameters

),

versions as (

    {{ versions('timed', keys=['exchange', 'product_id', 'trade_date'], values=['receipts_qty'], decided=true) }}

),

known as (

    select
        *,
        available_at <= decided_by as is_timely,
        case when available_at <= decided_by then receipts_qty end as known_qty
    from versions
    where is_decided

),

stepped as (

    select
        told.exchange,
        told.product_id,
        told.trade_date,
        told.known_qty as receipts_qty,
        told.is_timely,
        -- What a lot holds, in the unit of the receipts.
        case
            when told.is_in_lots then 1.0
            else products.contract_size_qty * case products.quantity_unit when 'kg' then 0.001 when 'g' then 0.000001 else 1.0 end
        end as lot_qty,
        days.session_index,
        parameters.*,
        -- What a fall is a fall from: the session before, and the end of the month it may come just after.
        lag(told.known_qty) over product_days as earlier_qty,
        case
            when lag(days.session_index, 3) over product_days = days.session_index - 3 then lag(told.known_qty, 3) over product_days
        end as earlier_3_qty,
        max(case when told.known_qty > 0.0 then 1 else 0 end) over product_days = 1 as has_begun,
        months.expiry_month is not null as is_expiry_month,
        days.is_month_end
    from known as told
    inner join days on told.trade_date = days.trade_date
    cross join parameters
    left join months
        on
            told.exchange = months.exchange
            and told.product_id = months.product_id
            and days.month = months.expiry_month
    left join products
        on
            told.exchange = products.exchange
            and told.product_id = products.product_id
    window product_days as (partition by told.exchange, told.product_id order by told.trade_date)

),

forced as (

    select
        *,
        coalesce(is_expiry_month and is_month_end, false)
        or coalesce(lag(is_expiry_month and is_month_end) over (partition by exchange, product_id order by trade_date), false) as is_at_expiry
    from stepped

),

{#- Days without a total rank among themselves, which counts for nothing. #}
{%- set product = 'exchange, product_id, receipts_qty is null' %}

ranked as (

    select
        *,
        case
            when is_at_expiry and receipts_qty <= (1.0 - panel_forced_fall_ratio) * earlier_qty and earlier_qty > 0.0 then session_index
        end as forced_index,
        {{ within('count', 'case when receipts_qty > 0.0 then 1 end', product, 'session_index', 'panel_receipts_sessions') }}
            as sessions_with_receipts,
        {{ within('share_at_most', 'receipts_qty', product, 'session_index', 'panel_receipts_sessions') }} as share_at_most,
        -- The share above, by ranking what is negated: the mid-rank lies between.
        {{ within('share_at_most', '-receipts_qty', product, 'session_index', 'panel_receipts_sessions') }} as share_at_least,
        {{ within('median', 'receipts_qty', product, 'session_index', 'panel_receipts_sessions') }} as median_qty,
        {{ share_at_most('receipts_qty', product ~ ', has_begun', 'trade_date') }} as share_since_begun,
        count(receipts_qty) over (partition by exchange, product_id, has_begun order by trade_date) as sessions_since_begun
    from forced

),

quieted as (

    select
        *,
        session_index - max(forced_index) over (partition by exchange, product_id order by trade_date) < panel_forced_quiet_sessions as is_quiet
    from ranked

),

final as (

    select
        exchange,
        product_id,
        trade_date,
        session_index,
        receipts_qty,
        receipts_qty - earlier_3_qty as receipts_change_3_qty,
        lot_qty,
        median_qty,
        sessions_with_receipts,
        case
            when receipts_qty is null or sessions_with_receipts < panel_receipts_minimum_sessions or coalesce(is_quiet, false) then null
            else (share_at_most + 1.0 - share_at_least) / 2.0
        end as mid_rank,
        case
            when receipts_qty is null then 'no_total'
            when sessions_with_receipts < panel_receipts_minimum_sessions then 'too_few_sessions_with_receipts'
            when is_quiet then 'cancelled_by_rule'
        end as null_reason,
        -- A level that falls further is no less low; one that rises is on its way back.
        has_begun
        and case when sessions_since_begun >= percentile_minimum_sessions then share_since_begun end <= receipts_low_percentile_ratio
        and receipts_qty <= earlier_3_qty as is_low,
        is_timely
    from quieted

)

select * from final
