"""Column lineage from SQL as dbt compiles it."""

from pathlib import Path

import dagster as dg
import pytest
from sqlglot import MappingSchema

from ingest.settings import Settings
from orchestration.warehouse import lineage
from orchestration.warehouse.lineage import catalog, described, keep, origins, sources
from serving.publish.release import PublishRefusedError


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
    assert described(deps[:1]) == "from `quotes.c0`"
    assert described(deps) == "from `quotes.c0`, `quotes.c1`, `quotes.c2`, `quotes.c3` and 2 more"
    assert described([]) == ""


def column(name: str) -> dg.TableColumnDep:
    *table, last = name.split(".")
    return dg.TableColumnDep(dg.AssetKey(table), last)


def test_a_published_column_is_traced_to_raw_tables(tmp_path: Path) -> None:
    home = Settings(home=tmp_path)
    stock = {"stock_t": [column("raw.catalog__units.size_t"), column("raw.shfe__stock.lots")], "one": []}
    keep(home, {("staging", "stock"): stock, ("marts", "stock"): {"stock_t": [column("staging.stock.stock_t")], "rows": []}}, afresh=True)
    assert sources(home)["marts", "stock", "stock_t"] == {"shfe__stock", "catalog__units"}
    assert sources(home)["marts", "stock", "rows"] == set()


def test_sql_that_could_not_be_read_leaves_its_columns_sources_unknown_also_further_on(tmp_path: Path) -> None:
    home = Settings(home=tmp_path)
    made_of = [column("staging.riddle.x"), column("raw.shfe__stock.lots")]
    keep(home, {("staging", "riddle"): {}, ("marts", "stock"): {"stock_t": made_of}}, afresh=True)
    assert sources(home)["marts", "stock", "stock_t"] == {"shfe__stock", "unknown"}


def test_a_build_of_some_models_brings_theirs_up_to_date_and_a_build_of_all_forgets_what_is_gone(tmp_path: Path) -> None:
    home = Settings(home=tmp_path)
    keep(home, {("marts", "a"): {"x": [column("raw.one.x")]}, ("marts", "b"): {"x": [column("raw.one.x")]}}, afresh=True)
    keep(home, {("marts", "a"): {"x": [column("raw.two.x")]}}, afresh=False)
    assert sources(home) == {("marts", "a", "x"): {"two"}, ("marts", "b", "x"): {"one"}}
    keep(home, {("marts", "a"): {"x": [column("raw.two.x")]}}, afresh=True)
    assert sources(home) == {("marts", "a", "x"): {"two"}}


def test_without_a_build_that_told_all_columns_nothing_is_published(tmp_path: Path) -> None:
    keep(Settings(home=tmp_path), {("marts", "a"): {"x": [column("raw.two.x")]}}, afresh=False)
    with pytest.raises(PublishRefusedError, match="alumina run"):
        sources(Settings(home=tmp_path))


QUOTES = {("marts", "quotes"): [("day", "DATE"), ("price", "DOUBLE")]}


def test_a_query_is_read_again_only_where_it_or_a_column_about_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, read = Settings(home=tmp_path), []
    monkeypatch.setattr(lineage, "origins", lambda sql, known: read.append(sql) or origins(sql, known))
    table = ("marts", "copy")

    def asked(sql: str, columns: lineage.Columns) -> dict[str, list[str]]:
        return {column: names(deps) for column, deps in lineage.origins_of(home, {table: sql}, columns)[table].items()}

    everything = 'select * from "warehouse"."marts"."quotes"'
    once = asked(everything, QUOTES)
    assert once == asked(everything, QUOTES) == {"day": ["marts.quotes.day"], "price": ["marts.quotes.price"]}
    assert len(read) == 1
    assert asked('select price from "warehouse"."marts"."quotes"', QUOTES) == {"price": ["marts.quotes.price"]}
    wider = {("marts", "quotes"): [*QUOTES["marts", "quotes"], ("lots", "BIGINT")]}
    assert asked(everything, wider) == once | {"lots": ["marts.quotes.lots"]}
    assert len(read) == 3
    (tmp_path / lineage.READ).write_text("changed on disk")
    assert asked(everything, wider) == once | {"lots": ["marts.quotes.lots"]}
    assert len(read) == 4
