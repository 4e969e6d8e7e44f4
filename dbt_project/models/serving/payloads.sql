-- What leads from a row of a mart to when its payload was first in hand. A fact has been known to the world since available_at; one whose
-- payload came on a later day was loaded afterwards, and keeps that time.
{%- set relations = [
    'int_contracts__quotes', 'int_contracts__limits', 'int_contracts__bars', 'int_receipts__levels', 'int_members__ranking',
    'int_series__values', 'int_customs__trade', 'int_policy__events', 'int_policy__news',
] %}

with receipts as (

    select * from {{ ref('stg_ingest__receipts') }}
    where payload_sha256 is not null

),

told as (

    select distinct payload_sha256 from {{ ref('int_contracts__quotes') }}

),

-- Quotes of products that are no commodity of the catalogue stand behind figures of one that is: what an input costs, how a market moves.
of_others as (

    select
        quotes.payload_sha256,
        quotes.data_origin,
        quotes.fetched_at,
        quotes.available_at
    from {{ ref('int_panel__contracts') }} as quotes
    left join told on quotes.payload_sha256 = told.payload_sha256
    where told.payload_sha256 is null

),

facts as (

    {%- for relation in relations %}
    select
        payload_sha256,
        data_origin,
        fetched_at,
        available_at
    from {{ ref(relation) }}

    union all
    {% endfor %}
    select * from of_others

),

requests as (

    select
        payload_sha256,
        min(source) as source,
        min(feed) as feed,
        min(request_name) as request_name
    from receipts
    group by payload_sha256

),

counted as (

    select
        payload_sha256,
        max(data_origin) as data_origin,
        min(fetched_at) as first_seen_at,
        count(*) as facts,
        count(
            case when {{ shanghai_date('available_at') }} < {{ shanghai_date('fetched_at') }} then 1 end
        ) as facts_backfilled
    from facts
    group by payload_sha256

),

final as (

    select
        counted.payload_sha256,
        requests.source,
        requests.feed,
        requests.request_name,
        counted.first_seen_at,
        counted.facts,
        counted.facts_backfilled,
        counted.facts_backfilled > 0 as is_backfilled,
        counted.data_origin
    from counted
    left join requests on counted.payload_sha256 = requests.payload_sha256

)

select * from final
