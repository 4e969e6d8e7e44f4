-- The import routes open at each decision, with a provider's price and freight: an origin, a route, a port and the
-- region they are sold in. A leg is there where the catalogue says what the freight from the port to the region costs
-- (import_leg_freight_cny_t, scope origin>route>port>region). Charges of a port win over those of any port.
{%- set parts = ['origin', 'route', 'port', 'region'] %}

with parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

known as (

    {{ fresh_series(ref('int_series__known')) }}

),

terms as (

    select * from {{ ref('int_commodities__terms') }}

),

days as (

    select distinct
        commodity_code,
        as_of_date,
        provider
    from known

),

legs as (

    select
        days.commodity_code,
        days.as_of_date,
        days.provider,
        freights.scope as import_leg,
        {%- for part in parts %}
        split_part(freights.scope, '>', {{ loop.index }}) as {{ part }},
        {%- endfor %}
        freights.term_value as inland_freight_cny_t
    from days
    inner join terms as freights
        on
            days.commodity_code = freights.commodity_code
            and freights.term = 'import_leg_freight_cny_t'
            and {{ in_force('freights', 'days.as_of_date') }}

),

charged as (

    select
        legs.commodity_code,
        legs.as_of_date,
        legs.provider,
        legs.import_leg,
        coalesce(
            max(case when charges.scope <> '' then charges.term_value end),
            max(case when charges.scope = '' then charges.term_value end)
        ) as import_charges_cny_t
    from legs
    inner join terms as charges
        on
            legs.commodity_code = charges.commodity_code
            and charges.term = 'import_charges_cny_t'
            and charges.scope in ('', legs.port)
            and {{ in_force('charges', 'legs.as_of_date') }}
    group by legs.commodity_code, legs.as_of_date, legs.provider, legs.import_leg

),
{%- for role in ['fob', 'freight'] %}

{{ role }}s as (

    select
        commodity_code,
        as_of_date,
        provider,
        region,
        {{ arg_max('value', 'obs_date') }} as {{ role }},
        max(obs_date) as {{ role }}_date,
        max(available_at) as {{ role }}_available_at,
        {{ arg_max('payload_sha256', 'obs_date') }} as {{ role }}_payload_sha256
    from known
    where role = '{{ role }}'
    group by commodity_code, as_of_date, provider, region

),
{%- endfor %}

final as (

    select
        legs.commodity_code,
        legs.as_of_date,
        legs.provider,
        legs.import_leg,
        legs.region,
        legs.inland_freight_cny_t,
        charged.import_charges_cny_t,
        fobs.fob,
        fobs.fob_date,
        fobs.fob_available_at,
        freights.freight,
        freights.freight_date,
        freights.freight_available_at,
        fobs.fob_payload_sha256 as payload_sha256
    from legs
    left join charged
        on
            legs.commodity_code = charged.commodity_code
            and legs.as_of_date = charged.as_of_date
            and legs.provider = charged.provider
            and legs.import_leg = charged.import_leg
    left join fobs
        on
            legs.commodity_code = fobs.commodity_code
            and legs.as_of_date = fobs.as_of_date
            and legs.provider = fobs.provider
            and legs.origin = fobs.region
    left join freights
        on
            legs.commodity_code = freights.commodity_code
            and legs.as_of_date = freights.as_of_date
            and legs.provider = freights.provider
            and legs.route = freights.region

)

select * from final
