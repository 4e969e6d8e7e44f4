{{ config(meta={"dagster": {"ref": {"name": "fct_capacity"}}}) }}
-- The built capacity beside an operating one is a version that was known when the operating one came out, not a later restatement.
select
    capacity.commodity_code,
    capacity.provider,
    capacity.period_end
from {{ ref('fct_capacity') }} as capacity
inner join {{ ref('int_series__values') }} as operating
    on
        capacity.commodity_code = operating.commodity_code
        and capacity.provider = operating.provider
        and capacity.region = operating.region
        and capacity.frequency = operating.frequency
        and capacity.period_end = operating.obs_date
        and operating.role = 'capacity_operating'
        and operating.is_latest
left join {{ ref('int_series__values') }} as built
    on
        operating.commodity_code = built.commodity_code
        and operating.provider = built.provider
        and operating.region = built.region
        and operating.frequency = built.frequency
        and operating.obs_date = built.obs_date
        and built.role = 'capacity_built'
        and operating.available_at >= built.available_at
        and abs(built.value - 1000.0 * capacity.capacity_built_kt_a) <= 0.000001 * built.value
where capacity.capacity_built_kt_a is not null and built.obs_date is null
