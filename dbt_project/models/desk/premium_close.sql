{{ premium_of('close', 'exchange') }}

select * from final
