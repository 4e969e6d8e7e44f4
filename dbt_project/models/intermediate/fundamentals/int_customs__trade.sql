-- A version of a month and flow is a whole payload: a corrected export replaces all partners of the earlier one. Each payload also
-- gets its row over all partners: the sum of the portal's detail, or the world as UN Comtrade prints it.
with trade as (

    select * from {{ ref('stg_customs__monthly_trade') }}

),

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
    left join releases
        on
            clock.dataset = releases.dataset
            and trade.month = releases.month

),

{%- set key = ['commodity_code', 'role', 'hs_code', 'hs_scope', 'reporter', 'partner_scheme', 'flow', 'month', 'month_number', 'currency'] %}

partners as (

    select
        {{ key | join(', ') }},
        partner_code,
        partner_name,
        qty_t,
        value_usd,
        payload_sha256
    from timed

    union all

    -- A sum over rows of which one has no figure is no sum.
    select
        {{ key | join(', ') }},
        'all' as partner_code,
        'all' as partner_name,
        case when count(qty_t) = count(*) then sum(qty_t) end as qty_t,
        case when count(value_usd) = count(*) then sum(value_usd) end as value_usd,
        payload_sha256
    from timed
    where partner_scheme = 'gacc'
    group by {{ key | join(', ') }}, payload_sha256

),

versions as (

    {{ payload_versions(
        'timed',
        keys=key,
        said=['told.partner_code', 'cast(told.qty_t as varchar)', 'cast(told.value_usd as varchar)'],
        order=['told.partner_code']
    ) }}

),

final as (

    select
        {%- for column in key %}
        versions.{{ column }},
        {%- endfor %}
        partners.partner_code,
        partners.partner_name,
        partners.qty_t,
        partners.value_usd,
        versions.source,
        versions.data_origin,
        versions.payload_sha256,
        versions.fetched_at,
        versions.available_at,
        versions.superseded_at,
        versions.vintage,
        versions.is_latest
    from versions
    inner join partners
        on
            versions.payload_sha256 = partners.payload_sha256
            {%- for column in key %}
            and versions.{{ column }} = partners.{{ column }}
            {%- endfor %}

)

select * from final
