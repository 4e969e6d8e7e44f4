"""Compare two releases: rows by the keys of each table, and the figures that differ in rows both have. Reads both; changes nothing."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from serving.publish.keys import SCHEMAS, published_keys
from serving.publish.served import ReleaseError
from serving.read import FILE_NAME, not_opened
from serving.seal import sealed

# These describe the attempt, not the market: they differ between two releases of the same data.
OF_THE_ATTEMPT = frozenset(
    {"serving.publication", "technical.quality_results", "serving.data_dictionary", "technical.payloads", "serving.source_status"}
)


@dataclass(frozen=True)
class Change:
    """How one table differs: row counts before and after, rows only one release has, and changed columns, most changes first."""

    table: str
    rows_before: int | None
    """None where the table is new."""
    rows_after: int | None
    """None where it is gone."""
    new: int = 0
    gone: int = 0
    changed: tuple[tuple[str, int], ...] = ()


def differences(before: Path, after: Path) -> list[Change]:
    """Compare two releases table by table, and give those that differ; a table without a key is compared by whole rows.

    Raises BrokenSealError for a release that is not as it was published, ReleaseError for one that another program holds open.
    """
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as con:
        for name, folder in (("before", before), ("after", after)):
            path = sealed(folder, FILE_NAME)
            try:
                con.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as {name} (read_only)")
            except duckdb.Error as error:
                raise ReleaseError(not_opened(path, error)) from None
        tables = {name: _tables(con, name) for name in ("before", "after")}
        both = sorted({*tables["before"], *tables["after"]} - OF_THE_ATTEMPT)
        found = [_change(con, table, *(tables[name].get(table) for name in ("before", "after"))) for table in both]
    return [change for change in found if change.rows_before != change.rows_after or change.new or change.gone or change.changed]


def _tables(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, list[str]]:
    rows = con.execute(
        "select schema_name || '.' || table_name, list(column_name order by column_index) from duckdb_columns() "
        "where database_name = ? and list_contains(?, schema_name) and table_oid in (select table_oid from duckdb_tables() where database_name = ?) "
        "group by all",
        [name, list(SCHEMAS), name],
    ).fetchall()
    return dict(rows)


def _change(con: duckdb.DuckDBPyConnection, table: str, before: list[str] | None, after: list[str] | None) -> Change:
    rows = _rows(con, "before", table, before), _rows(con, "after", table, after)
    if before is None or after is None:
        return Change(table, *rows)
    common = [column for column in after if column in before]
    key = published_keys().get(table, ())
    if not key or not set(key) <= set(common):
        told = ", ".join(f'"{column}"' for column in common)
        new, gone = (
            con.sql(f"select count(*) from (select {told} from {one}.{table} except all select {told} from {other}.{table})").fetchall()[0][0]
            for one, other in (("after", "before"), ("before", "after"))
        )
        return Change(table, *rows, new, gone)
    same = " and ".join(f'a."{column}" is not distinct from b."{column}"' for column in key)
    new, gone = (
        con.sql(f"select count(*) from {one}.{table} as a anti join {other}.{table} as b on {same}").fetchall()[0][0]
        for one, other in (("after", "before"), ("before", "after"))
    )
    figures = [column for column in common if column not in key]
    counts: tuple[int, ...] = ()
    if figures:
        asked = ", ".join(f'count(*) filter (a."{column}" is distinct from b."{column}")' for column in figures)
        counts = con.sql(f"select {asked} from after.{table} as a inner join before.{table} as b on {same}").fetchall()[0]
    changed = sorted(((column, count) for column, count in zip(figures, counts, strict=True) if count), key=lambda one: (-one[1], one[0]))
    return Change(table, *rows, new, gone, tuple(changed))


def _rows(con: duckdb.DuckDBPyConnection, name: str, table: str, columns: list[str] | None) -> int | None:
    if columns is None:
        return None
    count: int = con.sql(f"select count(*) from {name}.{table}").fetchall()[0][0]
    return count
