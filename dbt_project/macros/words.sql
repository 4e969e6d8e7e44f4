{# A sentence with its {places} filled; one that is not known makes the whole of it null. #}
{% macro filled(sentence, places) -%}
    {%- set text = namespace(sql=sentence) -%}
    {%- for place, value in places.items() -%}
        {%- set text.sql = "replace(" ~ text.sql ~ ", '{" ~ place ~ "}', " ~ value ~ ")" -%}
    {%- endfor -%}
    {{ text.sql }}
{%- endmacro %}
