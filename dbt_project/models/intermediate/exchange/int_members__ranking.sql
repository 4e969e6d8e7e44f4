-- Member ranking of the configured commodities' contracts. A version of the day is a whole payload, as boards come and go with it.
with ranking as (

    select * from {{ ref('stg_shfe__member_ranking') }}
    where row_kind = 'member' and delivery_month_code is not null

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}
    where exchange = 'SHFE'

),

clock as (

    select * from {{ ref('stg_catalog__publication_clock') }}
    where dataset = 'shfe__member_ranking'

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
        ranking.source,
        ranking.data_origin,
        ranking.payload_sha256,
        ranking.fetched_at,
        {{ shanghai_time('ranking.trade_date', 'parameters.decision_time_minutes') }} as decided_by,
        {{ clock_at('ranking.trade_date', 'ranking.published_at', 'clock') }} as clock_at
    from ranking
    inner join commodities on ranking.product_id = commodities.product_id
    inner join parameters on commodities.commodity_code = parameters.commodity_code
    cross join clock

),

received as (

    select
        commodity_code,
        trade_date,
        payload_sha256,
        min(decided_by) as decided_by,
        min(clock_at) as clock_at,
        min(fetched_at) as fetched_at,
        count(*) over (partition by commodity_code, trade_date) as payload_count
    from timed
    group by commodity_code, trade_date, payload_sha256

),

-- What a payload says in one text, to see whether it repeats another: asked only of days that have more than one.
contents as (

    select
        timed.commodity_code,
        timed.trade_date,
        timed.payload_sha256,
        md5({{ joined(
            "concat_ws('|', timed.contract_code, timed.board, cast(timed.rank as varchar), timed.participant, "
            ~ "cast(timed.position_lots as varchar), cast(timed.position_change_lots as varchar))",
            'timed.contract_code, timed.board, timed.rank, timed.participant'
        ) }}) as content
    from timed
    inner join received
        on
            timed.commodity_code = received.commodity_code
            and timed.trade_date = received.trade_date
            and timed.payload_sha256 = received.payload_sha256
    where received.payload_count > 1
    group by timed.commodity_code, timed.trade_date, timed.payload_sha256

),

payloads as (

    select
        received.commodity_code,
        received.trade_date,
        received.payload_sha256,
        received.decided_by,
        received.clock_at,
        received.fetched_at,
        contents.content
    from received
    left join contents
        on
            received.commodity_code = contents.commodity_code
            and received.trade_date = contents.trade_date
            and received.payload_sha256 = contents.payload_sha256

),

versions as (

    {{ versions('payloads', keys=['commodity_code', 'trade_date'], values=['content'], decided=true) }}

),

final as (

    select
        timed.commodity_code,
        timed.contract_code,
        timed.trade_date,
        timed.board,
        timed.rank,
        timed.participant_id,
        timed.participant,
        timed.position_lots,
        timed.position_change_lots,
        timed.source,
        timed.data_origin,
        timed.payload_sha256,
        timed.fetched_at,
        timed.decided_by,
        versions.available_at,
        versions.superseded_at,
        versions.vintage,
        versions.is_latest,
        versions.is_decided
    from timed
    inner join versions
        on
            timed.commodity_code = versions.commodity_code
            and timed.trade_date = versions.trade_date
            and timed.payload_sha256 = versions.payload_sha256

)

select * from final
