-- A commodity's own rows win over those for all ('*'), term by term and scope by scope.
with commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

terms as (

    select * from {{ ref('stg_catalog__terms') }}

),

own as (

    select distinct
        commodity_code,
        term,
        scope
    from terms

),

resolved as (

    select
        commodities.commodity_code,
        terms.term,
        terms.scope,
        terms.valid_from,
        terms.term_value,
        terms.unit,
        terms.label,
        terms.source_note
    from commodities
    inner join terms on terms.commodity_code in ('*', commodities.commodity_code)
    left join own
        on
            commodities.commodity_code = own.commodity_code
            and terms.term = own.term
            and terms.scope = own.scope
    where terms.commodity_code <> '*' or own.commodity_code is null

),

final as (

    select
        *,
        -- The first day on which the next row holds; null for the row in force.
        lead(valid_from) over (partition by commodity_code, term, scope order by valid_from) as superseded_from
    from resolved

)

select * from final
