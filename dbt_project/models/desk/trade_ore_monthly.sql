-- The ore the product is made of, by its own customs item, all partners together.
{{ trade_of('ore') }}

select * from final
