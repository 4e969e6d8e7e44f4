"""What a release makes of the relations it copies: declared keys and references, figures with their decimals, the time in Shanghai; and what breaks them."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from serving.publish import copies
from serving.publish.copies import RELEASE, WORK, copy_relations
from serving.publish.keys import Reference, published_keys, reading_order, references

KEYS = {"desk.dim_region": ("region",), "desk.spot": ("trade_date", "region"), "marts.fct_spot": ("trade_date", "region")}
REFERENCES = {"desk.spot": (Reference(("region",), "desk.dim_region", ("region",)),)}
ROWS = "(date '2025-07-22', 'henan', 358.17999999999984::double, '', timestamptz '2025-07-22 09:30:00+00'), (date '2025-07-21', 'henan', 1.0::double, 'a', null)"

Copied = Callable[..., tuple[duckdb.DuckDBPyConnection, list[copies.Broken]]]


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copied:
    """Copy a small warehouse, after statements that spoil it."""
    monkeypatch.setattr(copies, "published_keys", lambda: KEYS)
    monkeypatch.setattr(copies, "references", lambda: REFERENCES)

    def copy(*spoil: str) -> tuple[duckdb.DuckDBPyConnection, list[copies.Broken]]:
        with duckdb.connect(str(tmp_path / f"{WORK}.duckdb")) as con:
            con.execute("create schema marts; create schema desk; create schema serving")
            con.execute(f"create table marts.fct_spot as from (values {ROWS}) as t(trade_date, region, spot_cny_t, null_reason, available_at)")
            con.execute("create table marts.regions as select 'henan' as region; comment on table marts.regions is 'One row. | 一行。'")
            con.execute(f"create view desk.dim_region as from {WORK}.marts.regions; create view desk.spot as from {WORK}.marts.fct_spot")
            for statement in spoil:
                con.execute(statement)
        con = duckdb.connect()
        con.execute(f"attach '{tmp_path / f'{WORK}.duckdb'}' as {WORK} (read_only); attach '{tmp_path / 'release.duckdb'}' as {RELEASE}")
        for schema in ("desk", "marts", "serving", "technical"):
            con.execute(f"create schema {RELEASE}.{schema}")
        return con, copy_relations(con)

    return copy


def test_rows_come_in_the_order_of_the_key_with_the_decimals_of_their_source_and_the_time_in_shanghai(copied: Copied) -> None:
    con, broken = copied()
    assert broken == []
    rows = con.execute("select trade_date::varchar, spot_cny_t, null_reason, available_at_sh::varchar from desk.spot").fetchall()
    assert rows == [("2025-07-21", 1.0, "a", None), ("2025-07-22", 358.18, None, "2025-07-22 17:30:00")]
    # A mart keeps what was computed.
    assert con.execute("select spot_cny_t, null_reason from marts.fct_spot where trade_date = '2025-07-22'").fetchall() == [(358.17999999999984, "")]
    assert con.execute("select comment from duckdb_tables() where table_name = 'regions' and database_name = 'release'").fetchall() == [
        ("One row. | 一行。",)
    ]


def test_keys_and_references_are_declared(copied: Copied) -> None:
    con, _ = copied()
    found = con.execute(
        "select table_name, constraint_type, constraint_column_names from duckdb_constraints() where database_name = 'release' and constraint_type <> 'NOT NULL'"
    ).fetchall()
    assert sorted(found) == [
        ("dim_region", "PRIMARY KEY", ["region"]),
        ("spot", "FOREIGN KEY", ["region"]),
        ("spot", "PRIMARY KEY", ["trade_date", "region"]),
    ]
    assert con.execute(
        "select column_name from duckdb_columns() where table_name = 'fct_spot' and database_name = 'release' and not is_nullable"
    ).fetchall() == [
        ("trade_date",),
        ("region",),
    ]


@pytest.mark.parametrize(
    ("spoil", "table", "said", "rows"),
    [
        ("insert into marts.fct_spot from marts.fct_spot limit 1", "desk.spot", "violat", 3),
        ("delete from marts.regions", "desk.spot", "Violates foreign key", 2),
        ("update marts.fct_spot set region = null where spot_cny_t = 1", "marts.fct_spot", "NOT NULL constraint failed", 2),
    ],
    ids=["a key twice", "a region nobody knows", "a key that is null"],
)
def test_what_breaks_a_declaration_is_told_and_copied_without_it(copied: Copied, spoil: str, table: str, said: str, rows: int) -> None:
    con, broken = copied(spoil)
    assert [told.message for told in broken if told.table == table and said in told.message]
    assert con.execute(f"select count(*) from {table}").fetchall() == [(rows,)]


def test_a_view_on_what_is_not_there_is_told(copied: Copied) -> None:
    _, broken = copied("drop table marts.fct_spot")
    assert [(told.table, told.message.split(":")[0]) for told in broken] == [("desk.spot", "Catalog Error")]


def test_the_project_states_a_key_of_each_relation_of_the_desk_and_refers_only_to_keys() -> None:
    desk = [name for name in reading_order() if name.startswith("desk.")]
    assert desk[0] == "desk.outlook_daily"
    assert [name for name in desk if name not in published_keys()] == []
    assert [told for all_told in references().values() for told in all_told if published_keys()[told.table] != told.to_columns] == []
