"""Column lineage from SQL as dbt compiles it."""

import dagster as dg
import pytest
from sqlglot import MappingSchema

from orchestration.lineage import catalog, origins, told


@pytest.fixture
def known() -> MappingSchema:
    return catalog(
        "warehouse", {("marts", "quotes"): [("day", "DATE"), ("price", "DOUBLE")], ("raw", "units"): [("day", "DATE"), ("unit", "VARCHAR")]}
    )


def names(deps: list[dg.TableColumnDep]) -> list[str]:
    return [".".join((*dep.asset_key.path, dep.column_name)) for dep in deps]


SQL = """
with quotes as (
    select * from "warehouse"."marts"."quotes"
),
final as (
    select quotes.day, unit as price_unit, quotes.price - lag(price) over (order by quotes.day) as change, 1 as version
    from quotes inner join "warehouse"."raw"."units" as units on quotes.day = units.day
)
select * from final
"""


def test_a_column_is_followed_through_stars_names_and_joins(known: MappingSchema) -> None:
    assert {column: names(deps) for column, deps in origins(SQL, known).items()} == {
        "day": ["marts.quotes.day"],
        "price_unit": ["raw.units.unit"],
        "change": ["marts.quotes.day", "marts.quotes.price"],
        "version": [],
    }


def test_a_query_that_cannot_be_read_has_no_lineage_and_stops_nothing(known: MappingSchema) -> None:
    assert origins("select from where", known) == {}
    assert origins("select * from nowhere", known) == {}


def test_origins_are_told_in_one_line() -> None:
    deps = [dg.TableColumnDep(dg.AssetKey(["marts", "quotes"]), f"c{n}") for n in range(6)]
    assert told(deps[:1]) == "from `quotes.c0`"
    assert told(deps) == "from `quotes.c0`, `quotes.c1`, `quotes.c2`, `quotes.c3` and 2 more"
    assert told([]) == ""
