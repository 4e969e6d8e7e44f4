"""What may be passed on: columns that can hold a figure of a licensed source stay here, whatever table they stand in."""

from collections.abc import Iterator

import duckdb
import pytest

from ingest.catalog.documents import load
from ingest.catalog.schemas import LicencesFile
from ingest.sources import SOURCES
from serving.publish.public import _OF_THE_RELEASE, _WITHHELD, LicensedError, passed_on
from serving.publish.release import COMPUTED, OWN_TABLES

TABLE = "marts", "fct_spot_daily"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("create schema serving; create schema marts")
        opened.execute("create table serving.source_status (source text, feed text, may_redistribute boolean)")
        opened.execute("insert into serving.source_status values ('shfe', 'kx', true), ('spot', 'spot_price', false), ('fx', 'history', true)")
        opened.execute("create table serving.data_dictionary (schema_name text, table_name text, column_name text, sources text)")
        yield opened


def _table(con: duckdb.DuckDBPyConnection, **sources: str) -> tuple[str, str]:
    con.execute(f"create table marts.fct_spot_daily ({', '.join(name + (' text' if name == 'note' else ' double') for name in sources)})")
    con.executemany("insert into serving.data_dictionary values ('marts', 'fct_spot_daily', ?, ?)", list(sources.items()))
    return TABLE


def test_a_column_of_a_licensed_source_is_left_out_and_a_key_never(con: duckdb.DuckDBPyConnection) -> None:
    table = _table(
        con,
        commodity_code="spot__quotes",
        spot_cny_t="spot__quotes; catalog__series",
        fx_rate="fx__central_parity; catalog__terms",
        basis_cny_t="shfe__daily_quotes; spot__quotes",
        settle_cny_t="shfe__daily_quotes; ingest__receipts",
        note="-",
    )
    kept, left = passed_on(con, *table)
    assert kept == ["commodity_code", "fx_rate", "settle_cny_t", "note"]
    assert left == ["spot_cny_t", "basis_cny_t"]


def test_what_nobody_can_tell_and_what_every_quote_stands_behind_counts_as_licensed(con: duckdb.DuckDBPyConnection) -> None:
    table = _table(con, commodity_code="-", fx_rate="fx__central_parity", probability_up="outlook__model", other="unknown")
    assert passed_on(con, *table) == (["commodity_code", "fx_rate"], ["probability_up", "other"])
    con.execute("update serving.source_status set may_redistribute = true")
    assert passed_on(con, *table)[1] == []


def test_the_name_of_a_rule_that_fired_a_count_and_a_figure_without_a_source_count_as_licensed(con: duckdb.DuckDBPyConnection) -> None:
    table = _table(
        con, fx_rate="fx__central_parity", rule_ids="catalog__rules", risk_flags="catalog__rule_effects; catalog__words", warehouse_count="-"
    )
    con.execute("alter table marts.fct_spot_daily add column unit text")
    con.execute("insert into serving.data_dictionary values ('marts', 'fct_spot_daily', 'unit', '-')")
    assert passed_on(con, *table) == (["fx_rate", "unit"], ["rule_ids", "risk_flags", "warehouse_count"])
    con.execute("create table serving.claim_facts (fact_key text, value double, value_text text)")
    con.execute("insert into serving.data_dictionary select 'serving', 'claim_facts', unnest(['fact_key', 'value', 'value_text']), '-'")
    with pytest.raises(LicensedError, match=r"nothing of serving\.claim_facts"):
        passed_on(con, "serving", "claim_facts")


def test_every_table_that_no_sql_makes_is_known_as_one_of_figures_or_of_the_release() -> None:
    assert OWN_TABLES.keys() | COMPUTED.keys() <= _WITHHELD | _OF_THE_RELEASE


def test_a_table_of_which_only_keys_are_left_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    table = _table(con, commodity_code="spot__quotes", spot_cny_t="spot__quotes")
    with pytest.raises(LicensedError, match=r"nothing of marts\.fct_spot_daily may be passed on: its figures come from spot \(licences\.toml\)"):
        passed_on(con, *table)


def test_a_release_that_says_nothing_of_licences_passes_nothing_on(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("alter table serving.source_status drop column may_redistribute")
    with pytest.raises(LicensedError, match="does not say yet on what terms"):
        passed_on(con, *_table(con, spot_cny_t="spot__quotes"))


def test_every_source_has_its_licence_and_no_vendor_may_be_passed_on() -> None:
    licences = {row.of: row for row in load(LicencesFile).licence}
    assert licences.keys() == {source.name for source in SOURCES}
    assert {name for name, row in licences.items() if row.may_redistribute} == {"catalog", "customs", "fx"}
