-- Two readings of what a series said about a day (macro readings): with all revisions, and as it was known at the day's own decision.
with series as (

    select * from {{ ref('int_series__values') }}

),

known as (

    select * from {{ ref('int_series__known') }}

),

final as (

    {%- set columns = [
        'commodity_code', 'role', 'provider', 'region', 'series_id', 'frequency', 'unit', 'value', 'low_value', 'high_value',
        'available_at', 'source', 'data_origin', 'payload_sha256',
    ] %}

    select
        'latest' as reading,
        obs_date as trade_date,
        {{ columns | join(',
        ') }}
    from series
    where is_latest

    union all

    select
        'decided' as reading,
        as_of_date as trade_date,
        {{ columns | join(',
        ') }}
    from known
    where obs_date = as_of_date

)

select * from final
