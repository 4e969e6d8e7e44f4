with source as (

    select * from {{ source('raw', 'customs__monthly_trade') }}

),

renamed as (

    select
        month,
        reporter,
        flow,
        hs_code,
        hs_scope,
        commodity_name,
        partner_scheme,
        partner_code,
        partner_name,
        qty_t,
        is_qty_estimated,
        is_net_weight_estimated,
        currency,
        value_usd,
        value_cny,
        second_qty,
        second_unit,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
