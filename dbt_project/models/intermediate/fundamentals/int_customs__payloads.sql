-- What each payload says of foreign trade, and its row over all partners: the sum of the portal's detail, or the world as UN Comtrade
-- prints it. Weight and value are told apart by the dollars a tonne of the whole costs: outside the bounds of its code one of them is in
-- another unit, and none of the payload's figures of that month is believed.
{%- set key = ['commodity_code', 'role', 'hs_code', 'hs_scope', 'reporter', 'partner_scheme', 'flow', 'month', 'month_number', 'currency'] %}

with trade as (

    select * from {{ ref('stg_customs__monthly_trade') }}

),

-- Lines of an export that were refused, by the month and code they are a part of.
{{ refused_parts('of_code', ['customs__monthly_trade'], ['flow', 'month', 'hs_code'], known=['month', 'hs_code']) }},

codes as (

    select * from {{ ref('stg_catalog__customs_codes') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

releases as (

    select * from {{ ref('stg_catalog__release_days') }}

),

timed as (

    select
        codes.commodity_code,
        codes.role,
        codes.lowest_usd_t,
        codes.highest_usd_t,
        trade.hs_code,
        trade.hs_scope,
        trade.reporter,
        trade.partner_scheme,
        trade.flow,
        trade.month,
        cast(12 * extract(year from trade.month) + extract(month from trade.month) as integer) as month_number,
        trade.currency,
        case when trade.partner_scheme = 'm49' and trade.partner_code = '0' then 'all' else trade.partner_code end as partner_code,
        trade.partner_name,
        trade.qty_t,
        trade.value_usd,
        trade.partner_scheme = 'gacc' and (of_any.payload_sha256 is not null or of_code.payload_sha256 is not null) as is_part_refused,
        trade.source,
        trade.data_origin,
        trade.payload_sha256,
        trade.fetched_at,
        {{ customs_clock_at('trade', 'clock', 'releases') }} as clock_at
    from trade
    inner join codes on trade.hs_code = codes.hs_code
    inner join clock
        on
            clock.dataset = case
                when trade.partner_scheme = 'm49' then 'customs__monthly_trade/m49'
                else 'customs__monthly_trade'
            end
    left join of_any on trade.payload_sha256 = of_any.payload_sha256
    left join of_code
        on
            trade.payload_sha256 = of_code.payload_sha256
            and trade.flow = of_code.flow
            and cast(trade.month as string) = of_code.month
            and trade.hs_code = of_code.hs_code
    left join releases
        on
            clock.dataset = releases.dataset
            and trade.month = releases.month

),

partners as (

    select
        {{ key | join(', ') }},
        partner_code,
        partner_name,
        qty_t,
        value_usd,
        lowest_usd_t,
        highest_usd_t,
        is_part_refused,
        source,
        data_origin,
        payload_sha256,
        fetched_at,
        clock_at
    from timed

    union all

    -- A sum over rows of which one has no figure, or was refused, is no sum.
    select
        {{ key | join(', ') }},
        'all' as partner_code,
        'all' as partner_name,
        case when count(qty_t) = count(*) and not max(is_part_refused) then sum(qty_t) end as qty_t,
        case when count(value_usd) = count(*) and not max(is_part_refused) then sum(value_usd) end as value_usd,
        min(lowest_usd_t) as lowest_usd_t,
        max(highest_usd_t) as highest_usd_t,
        max(is_part_refused) as is_part_refused,
        max(source) as source,
        max(data_origin) as data_origin,
        payload_sha256,
        min(fetched_at) as fetched_at,
        min(clock_at) as clock_at
    from timed
    where partner_scheme = 'gacc'
    group by {{ key | join(', ') }}, payload_sha256

),

wholes as (

    select
        {{ key | join(', ') }},
        payload_sha256,
        max(value_usd / nullif(qty_t, 0.0)) as whole_usd_t
    from partners
    where partner_code = 'all'
    group by {{ key | join(', ') }}, payload_sha256

),

final as (

    select
        partners.*,
        wholes.whole_usd_t,
        coalesce(wholes.whole_usd_t between partners.lowest_usd_t and partners.highest_usd_t, true) as is_believed
    from partners
    left join wholes
        on
            partners.payload_sha256 = wholes.payload_sha256
            {%- for column in key %}
            and partners.{{ column }} = wholes.{{ column }}
            {%- endfor %}

)

select * from final
