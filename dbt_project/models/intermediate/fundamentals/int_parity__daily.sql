-- Each row uses what was known at the decision of its day: it never changes when a price is published or corrected later. FOB,
-- freight and selling rate are one provider's; the price an import is set against is the row's own spot leg. A region has a parity by each
-- import leg that leads there. A region without a leg has none: the price at the quay is no guide to a place a thousand kilometres inland. The
-- national index is compared with the quay price as a yardstick; nobody sells there.
{%- set legs = ['fob', 'freight', 'fx_sell', 'port_price', 'port_gap'] %}
{%- set charges = ['vat_ratio', 'import_duty_ratio', 'import_charges_cny_t', 'export_charges_cny_t'] %}

with parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

known as (

    {{ fresh_series(ref('int_series__known')) }}

),

terms as (

    select * from {{ ref('int_commodities__terms') }}

),

import_legs as (

    select * from {{ ref('int_parity__legs') }}

),

spot as (

    select
        *,
        case when region = 'national' then 'natl' else 'reg_' || region end as spot_leg
    from known
    where role = 'spot' and unit = 'CNY/t'

),

quoted as (

    select
        commodity_code,
        as_of_date,
        provider,
        {%- for leg in legs %}
        {{ arg_max("case when role = '" ~ leg ~ "' then value end", "case when role = '" ~ leg ~ "' then obs_date end") }} as {{ leg }},
        max(case when role = '{{ leg }}' then obs_date end) as {{ leg }}_date,
        max(case when role = '{{ leg }}' then available_at end) as {{ leg }}_available_at,
        {%- endfor %}
        {{ arg_max("case when role = 'fob' then payload_sha256 end", "case when role = 'fob' then obs_date end") }} as payload_sha256
    from known
    group by commodity_code, as_of_date, provider

),

days as (

    select distinct
        commodity_code,
        as_of_date
    from spot

),

charged as (

    select
        spot.commodity_code,
        spot.as_of_date,
        {%- for charge in charges %}
        max(case when terms.term = '{{ charge }}' then terms.term_value end) as {{ charge }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from days as spot
    inner join terms
        on
            spot.commodity_code = terms.commodity_code
            and {{ in_force('terms', 'spot.as_of_date') }}
    where terms.scope = ''
    group by spot.commodity_code, spot.as_of_date

),

-- The prices of each row: those of its import leg, or for the yardstick the provider's newest.
sold as (

    select
        spot.*,
        import_legs.import_leg,
        import_legs.inland_freight_cny_t,
        {%- for figure in ['fob', 'fob_date', 'fob_available_at', 'freight', 'freight_date', 'freight_available_at'] %}
        case when import_legs.import_leg is null then quoted.{{ figure }} else import_legs.{{ figure }} end as {{ figure }},
        {%- endfor %}
        case when import_legs.import_leg is null then charged.import_charges_cny_t else import_legs.import_charges_cny_t end as import_charges_cny_t,
        coalesce(import_legs.payload_sha256, quoted.payload_sha256, spot.payload_sha256) as row_payload_sha256,
        import_legs.import_leg is null and spot.region <> 'national' as is_unreached
    from spot
    left join quoted
        on
            spot.commodity_code = quoted.commodity_code
            and spot.as_of_date = quoted.as_of_date
            and spot.provider = quoted.provider
    left join charged
        on
            spot.commodity_code = charged.commodity_code
            and spot.as_of_date = charged.as_of_date
    left join import_legs
        on
            spot.commodity_code = import_legs.commodity_code
            and spot.as_of_date = import_legs.as_of_date
            and spot.provider = import_legs.provider
            and spot.region = import_legs.region

),

priced as (

    select
        spot.commodity_code,
        spot.as_of_date as trade_date,
        spot.provider,
        spot.spot_leg,
        coalesce(spot.import_leg, 'none') as import_leg,
        spot.inland_freight_cny_t,
        spot.is_unreached,
        spot.obs_date as spot_date,
        spot.value as spot_cny_t,
        spot.data_origin,
        spot.fob as fob_usd_t,
        spot.fob_date,
        spot.freight as freight_usd_t,
        spot.freight_date,
        quoted.fx_sell as fx_sell_cny_usd,
        quoted.fx_sell_date as fx_date,
        case
            when not spot.is_unreached
                then
                    (spot.fob + spot.freight) * quoted.fx_sell * (1.0 + charged.import_duty_ratio) * (1.0 + charged.vat_ratio)
                    + spot.import_charges_cny_t + coalesce(spot.inland_freight_cny_t, 0.0)
        end as parity_cny_t,
        (spot.value - charged.export_charges_cny_t) / (1.0 + charged.vat_ratio) / quoted.fx_sell as export_parity_usd_t,
        case when quoted.port_gap_date = quoted.fob_date then quoted.port_gap end as vendor_gap_cny_t,
        case
            when quoted.port_gap is null then 'vendor_gap_cny_t:not_printed'
            when quoted.fob_date is null or quoted.port_gap_date <> quoted.fob_date then 'vendor_gap_cny_t:no_print_of_the_day'
        end as other_null_reason,
        quoted.port_price,
        -- A print equal to the provider's own index of its day, to the last digit, is a copy and does not count.
        case
            when quoted.port_price is null then 'no_print'
            when quoted.port_price_date <> quoted.fob_date then 'no_print_of_the_day'
            when quoted.port_price_date = national.obs_date and quoted.port_price = national.value then 'copy_of_the_index'
        end as vendor_null_reason,
        case
            when spot.is_unreached then 'no_inland_freight'
            when spot.fob is null then 'no_fob'
            when spot.freight is null then 'no_freight'
            when quoted.fx_sell is null then 'no_selling_rate'
            when
                charged.vat_ratio is null or charged.import_duty_ratio is null or spot.import_charges_cny_t is null
                then 'no_charges'
        end as null_reason,
        -- greatest() ignores nulls: a missing leg has no part in the row.
        greatest(
            spot.available_at,
            spot.fob_available_at,
            spot.freight_available_at,
            quoted.fx_sell_available_at,
            quoted.port_price_available_at
        ) as available_at,
        spot.row_payload_sha256 as payload_sha256
    from sold as spot
    left join quoted
        on
            spot.commodity_code = quoted.commodity_code
            and spot.as_of_date = quoted.as_of_date
            and spot.provider = quoted.provider
    left join spot as national
        on
            spot.commodity_code = national.commodity_code
            and spot.as_of_date = national.as_of_date
            and spot.provider = national.provider
            and national.region = 'national'
    left join charged
        on
            spot.commodity_code = charged.commodity_code
            and spot.as_of_date = charged.as_of_date

),

final as (

    select
        priced.commodity_code,
        priced.trade_date,
        priced.provider,
        priced.spot_leg,
        priced.import_leg,
        priced.spot_cny_t,
        priced.spot_date,
        priced.fob_usd_t,
        priced.fob_date,
        priced.freight_usd_t,
        priced.freight_date,
        priced.fx_sell_cny_usd,
        priced.fx_date,
        priced.inland_freight_cny_t,
        priced.parity_cny_t,
        case when priced.vendor_null_reason is null then priced.port_price end as vendor_parity_cny_t,
        priced.vendor_null_reason,
        priced.vendor_gap_cny_t,
        case when priced.vendor_null_reason is null then priced.port_price - priced.parity_cny_t end as parity_gap_cny_t,
        priced.spot_cny_t - priced.parity_cny_t as import_profit_cny_t,
        -- The commodity's leg with the highest profit, of any provider; never the yardstick.
        case
            when priced.import_leg = 'none' then false
            when priced.parity_cny_t is not null
                then row_number() over (
                    partition by priced.commodity_code, priced.trade_date
                    order by
                        case when priced.import_leg = 'none' or priced.parity_cny_t is null then 1 else 0 end,
                        priced.parity_cny_t - priced.spot_cny_t, priced.provider, priced.import_leg
                ) = 1
        end as is_best_leg,
        case
            when priced.parity_cny_t is null then null
            when priced.spot_cny_t - priced.parity_cny_t > 0 then 'open'
            when priced.spot_cny_t - priced.parity_cny_t > -parameters.import_window_near_cny_t then 'near'
            else 'closed'
        end as window_state,
        priced.export_parity_usd_t,
        priced.fob_usd_t - priced.export_parity_usd_t as export_profit_usd_t,
        priced.null_reason,
        priced.other_null_reason,
        priced.available_at,
        priced.data_origin,
        priced.payload_sha256
    from priced
    inner join parameters on priced.commodity_code = parameters.commodity_code

)

select * from final
