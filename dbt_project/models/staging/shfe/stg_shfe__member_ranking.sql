with source as (

    select * from {{ source('raw', 'shfe__member_ranking') }}

),

renamed as (

    select
        trade_date,
        instrument,
        product_id,
        delivery_month_code,
        board,
        row_kind,
        rank,
        participant_id,
        participant,
        position_lots,
        position_change_lots,
        extra,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
