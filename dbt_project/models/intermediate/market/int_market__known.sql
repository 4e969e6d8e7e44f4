-- The breadth of the market and of the commodity's own sector, as known at each decision.
with breadth as (

    select * from {{ ref('int_market__breadth') }}
    where reading = 'decided'

),

decisions as (

    select * from {{ ref('int_calendar__decisions') }}

),

commodities as (

    select * from {{ ref('stg_catalog__commodities') }}

),

products as (

    select * from {{ ref('stg_catalog__products') }}

),

final as (

    select
        decisions.commodity_code,
        decisions.as_of_date,
        whole.breadth_5d,
        own.breadth_5d as sector_breadth,
        nullif(concat_ws(
            ';',
            case when whole.market is null then 'breadth_5d:no_quotes' else 'breadth_5d:' || whole.null_reason end,
            case
                when products.sector is null then 'sector_breadth:no_sector'
                when own.market is null then 'sector_breadth:no_quotes'
                else 'sector_breadth:' || own.null_reason
            end
        ), '') as null_reason
    from decisions
    inner join commodities on decisions.commodity_code = commodities.commodity_code
    left join products
        on
            commodities.exchange = products.exchange
            and commodities.product_id = products.product_id
            and decisions.as_of_date >= products.valid_from
    left join breadth as whole
        on
            decisions.as_of_date = whole.trade_date
            and decisions.decision_at >= whole.available_at
            and whole.market = 'all'
    left join breadth as own
        on
            decisions.as_of_date = own.trade_date
            and decisions.decision_at >= own.available_at
            and products.sector = own.market

)

select * from final
