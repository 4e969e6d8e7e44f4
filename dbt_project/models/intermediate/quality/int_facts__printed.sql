-- Every printed figure a claim can be held against, in one long shape, keyed by day, by what it is about and by column, as the raw table
-- names them. Each version is one row, known from available_at until superseded_at; the newest has none. The claim audit reads nothing else.
with commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

quotes as (

    select * from {{ ref('int_contracts__quotes') }}

),

receipts as (

    select
        *,
        {{ no_moment() }} as superseded_at
    from {{ ref('int_receipts__daily') }}
    where reading = 'latest'

),

receipts_before as (

    select * from {{ ref('int_receipts__levels') }}
    where row_level = 'total' and superseded_at is not null

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

releases as (

    select * from {{ ref('stg_catalog__release_days') }}

),

-- Series and customs codes no commodity is configured for are evidence too: their versions are made here, by the same clock as the marts'.
series as (

    select * from {{ ref('int_series__judged') }}
    where available_at is not null

),

vendor as (

    {{ versions(
        'series',
        keys=['dataset', 'series_id', 'obs_date'],
        values=['provider', 'value', 'low_value', 'high_value', 'change_value', 'unit'],
        dated=true
    ) }}

),

trade as (

    select
        trade.*,
        {{ customs_clock_at('trade', 'clock', 'releases') }} as clock_at
    from {{ ref('stg_customs__monthly_trade') }} as trade
    inner join clock on clock.dataset = 'customs__monthly_trade'
    left join releases
        on
            clock.dataset = releases.dataset
            and trade.month = releases.month
    where trade.partner_scheme = 'gacc' and trade.currency = 'USD'

),

-- A later payload replaces all partners of the earlier one. A sum over rows of which one has no figure is no sum.
trade_payloads as (

    select
        month,
        hs_code,
        flow,
        payload_sha256,
        case when count(qty_t) = count(*) then sum(qty_t) end as qty_t,
        case when count(value_usd) = count(*) then sum(value_usd) end as value_usd,
        min(clock_at) as clock_at,
        min(fetched_at) as fetched_at,
        max(data_origin) as data_origin
    from trade
    group by month, hs_code, flow, payload_sha256

),

trade_totals as (

    {{ versions('trade_payloads', keys=['month', 'hs_code', 'flow'], values=['qty_t', 'value_usd']) }}

),

bars as (

    select
        commodities.commodity_code || bars.delivery_month_code as contract_code,
        bars.trade_date,
        bars.session,
        bars.provider,
        max(bars.high_price) as high_price,
        min(bars.low_price) as low_price,
        {{ arg_max('bars.close_price', 'bars.event_at') }} as close_price,
        {{ arg_max('bars.open_interest_lots', 'bars.event_at') }} as open_interest_lots,
        max(bars.event_at) as available_at,
        {{ no_moment() }} as superseded_at,
        max(bars.data_origin) as data_origin,
        max(bars.payload_sha256) as payload_sha256
    from {{ ref('stg_bars__prices') }} as bars
    inner join commodities on bars.product_id = commodities.product_id
    group by commodities.commodity_code, bars.delivery_month_code, bars.trade_date, bars.session, bars.provider

),

events as (

    select * from {{ ref('int_policy__versions') }}

),

final as (

    {%- set figures = [
        ('quotes', 'daily_quotes', 'trade_date', 'contract_code', 'source', 'available_at', "''", [
            ('open_price', 'open_cny_t'), ('high_price', 'high_cny_t'), ('low_price', 'low_cny_t'),
            ('close_price', 'case when volume_lots > 0 then close_cny_t end'), ('settle_price', 'settle_cny_t'),
            ('pre_settle_price', 'pre_settle_cny_t'), ('volume_lots', 'volume_lots'), ('open_interest_lots', 'open_interest_lots'),
        ]),
        ('receipts', 'warehouse_receipts', 'trade_date', "commodity_code || '|total'", 'source', 'available_at', "'t'", [
            ('receipts_qty', 'receipts_t'), ('receipts_change_qty', 'receipts_change_t'),
        ]),
        ('receipts_before', 'warehouse_receipts', 'trade_date', "commodity_code || '|total'", 'source', 'available_at', "'t'", [
            ('receipts_qty', 'receipts_t'), ('receipts_change_qty', 'published_change_t'),
        ]),
        ('vendor', 'vendor_series', 'obs_date', 'series_id', 'provider', 'available_at', 'unit', [
            ('value', 'value'), ('low_value', 'low_value'), ('high_value', 'high_value'), ('change_value', 'change_value'),
        ]),
        ('trade_totals', 'monthly_trade', 'month', "hs_code || '|' || flow || '|total'", "'customs'", 'available_at', "'t'", [
            ('qty_t', 'qty_t'), ('value_usd', 'value_usd'),
        ]),
        ('bars', 'bars', 'trade_date', "contract_code || '|' || session", 'provider', 'available_at', "''", [
            ('high_price', 'high_price'), ('low_price', 'low_price'), ('close_price', 'close_price'),
            ('open_interest_lots', 'open_interest_lots'),
        ]),
        ('events', 'events', 'event_date', 'event_id', 'event_source', 'available_at', "''", [('n_industries', 'n_industries')]),
    ] %}
    {%- for relation, dataset, day, key, printed_by, available_at, unit, columns in figures %}
    {%- for column, value in columns %}
    select
        '{{ dataset }}' as dataset,
        cast({{ day }} as date) as obs_date,
        {{ key }} as fact_key,
        '{{ column }}' as column_name,
        cast({{ value }} as double) as value,
        cast(null as string) as value_text,
        {{ unit }} as unit,
        {{ printed_by }} as printed_by,
        {{ available_at }} as available_at,
        superseded_at,
        data_origin,
        payload_sha256
    from {{ relation }}
    where {{ value }} is not null and (superseded_at is null or superseded_at > {{ available_at }})

    union all
    {% endfor %}
    {%- endfor %}
    {%- for column in ['theme', 'authority', 'event_type', 'sectors', 'followup_of', 'summary'] %}
    select
        'events' as dataset,
        event_date as obs_date,
        event_id as fact_key,
        '{{ column }}' as column_name,
        cast(null as double) as value,
        {{ column }} as value_text,
        '' as unit,
        event_source as printed_by,
        available_at,
        superseded_at,
        data_origin,
        payload_sha256
    from events
    where {{ column }} is not null and (superseded_at is null or superseded_at > available_at)
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

)

select * from final
