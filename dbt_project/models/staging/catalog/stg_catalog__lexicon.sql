with source as (

    select * from {{ source('raw', 'catalog__lexicon') }}

),

renamed as (

    select
        entry_kind,
        entry,
        entry_meaning,
        entry_effect,
        lexicon_version,
        source_note,
        payload_sha256,
        source,
        fetched_at,
        published_at,
        parser_version,
        data_origin
    from source

)

select * from renamed
