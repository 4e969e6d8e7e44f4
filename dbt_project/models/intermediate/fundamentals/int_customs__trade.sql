-- A version of a month and flow is a whole payload: a corrected export replaces all partners of the earlier one.
{%- set key = ['commodity_code', 'role', 'hs_code', 'hs_scope', 'reporter', 'partner_scheme', 'flow', 'month', 'month_number', 'currency'] %}

with believed as (

    select * from {{ ref('int_customs__payloads') }}
    where is_believed

),

versions as (

    {{ payload_versions(
        'believed',
        keys=key,
        said=['told.partner_code', 'cast(told.qty_t as string)', 'cast(told.value_usd as string)', 'cast(told.is_part_refused as string)'],
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
        partners.is_part_refused,
        versions.source,
        versions.data_origin,
        versions.payload_sha256,
        versions.fetched_at,
        versions.available_at,
        versions.superseded_at,
        versions.vintage,
        versions.is_latest
    from versions
    inner join believed as partners
        on
            versions.payload_sha256 = partners.payload_sha256
            {%- for column in key %}
            and versions.{{ column }} = partners.{{ column }}
            {%- endfor %}

)

select * from final
