-- Member ranking of the configured commodities' contracts. A version of the day is a whole payload, as boards come and go with it.
with ranking as (

    select * from {{ ref('int_exchange__rankings') }}
    where row_kind = 'member' and delivery_month_code is not null

),

wholes as (

    select * from {{ ref('int_members__wholes') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}

),

parameters as (

    select * from {{ ref('int_commodities__parameters') }}

),

timed as (

    select
        commodities.commodity_code,
        commodities.commodity_code || ranking.delivery_month_code as contract_code,
        ranking.trade_date,
        ranking.board,
        ranking.rank,
        ranking.participant_id,
        ranking.participant,
        ranking.position_lots,
        ranking.position_change_lots,
        wholes.whole_reason,
        ranking.source,
        ranking.data_origin,
        ranking.payload_sha256,
        ranking.fetched_at,
        {{ shanghai_time('ranking.trade_date', 'parameters.decision_time_minutes') }} as decided_by,
        {{ clock_at('ranking.trade_date', 'ranking.published_at', 'clock') }} as clock_at
    from ranking
    {{ of_commodities('ranking') }}
    left join wholes
        on
            ranking.payload_sha256 = wholes.payload_sha256
            and ranking.trade_date = wholes.trade_date
            and ranking.product_id = wholes.product_id
            and ranking.delivery_month_code = wholes.delivery_month_code
            and ranking.board = wholes.board

),

-- A payload that says the same with a sum that does not fit is no version of its own.
versions as (

    {{ payload_versions(
        'timed',
        keys=['commodity_code', 'trade_date'],
        said=[
            'told.contract_code', 'told.board', 'cast(told.rank as string)', 'told.participant', 'cast(told.position_lots as string)',
            'cast(told.position_change_lots as string)', "case when told.whole_reason = 'part_refused' then told.whole_reason end",
        ],
        order=['told.contract_code', 'told.board', 'told.rank', 'told.participant'],
        decided=true
    ) }}

),

final as (

    {{ rows_of_versions(
        [
            'commodity_code', 'contract_code', 'trade_date', 'board', 'rank', 'participant_id', 'participant', 'position_lots',
            'position_change_lots', 'whole_reason', 'decided_by',
        ],
        decided=true
    ) }}

)

select * from final
