{{ premium_of('t1130', 'vendor_spread') }}

select * from final
