-- Arithmetic that must hold inside what the sources print. A breach is a finding for people to look at: a trimmed file breaks
-- its own totals honestly, and a market that breaks an identity is news. Only rows that break one are kept. A finding is known from
-- available_at on, when the last of the figures it is made of was: sums are made of whole payloads before any horizon cuts them.
{%- set checked = [
    ref('int_quality__settlements'), ref('int_quality__quotes'), ref('int_quality__receipts'), ref('int_quality__rankings'),
    ref('int_quality__prices'), ref('int_quality__calendar'), ref('int_quality__series'),
    ref('int_quality__files'), ref('int_quality__customs'), ref('int_quality__stock'),
] %}

with checked as (

    {%- for identities in checked %}
    select * from {{ identities }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

final as (

    select *
    from checked
    where
        (
            check_id in (
                'traded_contract_has_a_settlement', 'figure_is_no_copy_of_the_index', 'series_is_read_by_a_mart', 'later_file_counts',
                'stated_time_is_believed'
            )
            or {{ breaks('expected_value', 'found_value') }}
        )
        and {{ is_known('available_at') }}

)

select * from final
