-- The product itself, by its own customs item, all partners together: imports, exports and the balance side by side in one row.
{{ trade_of('product') }}

select * from final
