{{ premium_of('settle', 'exchange') }}

select * from final
