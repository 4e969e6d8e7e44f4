"""What the UI shows of a table of the working warehouse: rows, date range, columns, a preview, a chart. Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import dagster as dg
import duckdb

from ingest.settings import Settings
from orchestration.assets.pictures import ROWS_SHOWN, chart, markdown
from orchestration.warehouse.lineage import Origins, described, origins_of
from orchestration.warehouse.load import connect
from quality.fields import FIELDS
from serving.publish.keys import SCHEMAS

# A chart of a table: title, unit, and a query of (series, day, value).
CHARTS: Mapping[tuple[str, str], tuple[str, str, str]] = {
    ("marts", "fct_receipts_daily"): (
        "registered receipts",
        "t",
        "select commodity_code, trade_date, receipts_t from marts.fct_receipts_daily where receipts_t is not null order by all",
    ),
    ("marts", "fct_basis_daily"): (
        "futures premium, settlement to national spot",
        "CNY/t",
        "select commodity_code, trade_date, any_value(premium_cny_t) from marts.fct_basis_daily "
        "where futures_leg = 'settle' and spot_leg = 'natl' and premium_cny_t is not null group by all order by all",
    ),
}


def describe(
    settings: Settings, tables: Iterable[Sequence[str]], queries: Mapping[tuple[str, ...], str] = MappingProxyType({})
) -> tuple[dict[tuple[str, ...], dict[str, Any]], dict[tuple[str, ...], Origins]]:
    """Give metadata by (schema, table), and what the columns of a table are made of where its query is given.

    The caller holds the write lock; views are described by their columns alone.
    """
    with connect(settings, read_only=True) as con:
        columns: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for schema, table, name, kind in con.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() where not internal order by column_index"
        ).fetchall():
            columns.setdefault((schema, table), []).append((name, kind))
        stored = set(con.execute("select schema_name, table_name from duckdb_tables()").fetchall())
        wanted = [(path[0], path[1]) for path in tables]
        facts: dict[tuple[str, ...], dict[str, Any]] = {
            table: _describe(con, table, columns[table], is_stored=table in stored) for table in wanted if table in columns
        }
    made_of = origins_of(settings, {table: queries[table] for table in facts if table in queries}, columns)
    for table, found in facts.items():
        deps = made_of.get(table, {})
        schema = dg.TableSchema([dg.TableColumn(name, kind, _text(name, deps.get(name, ()))) for name, kind in columns[table]])
        found["dagster/column_schema"] = dg.MetadataValue.table_schema(schema)
        if deps:
            found["dagster/column_lineage"] = dg.MetadataValue.column_lineage(dg.TableColumnLineage(deps))
    return facts, made_of


def _describe(con: duckdb.DuckDBPyConnection, table: tuple[str, str], columns: list[tuple[str, str]], *, is_stored: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if not is_stored:
        return facts
    name = f'"{table[0]}"."{table[1]}"'
    day = next((column for column, kind in columns if kind == "DATE"), None)
    span = f'min("{day}"), max("{day}")' if day else "null, null"
    count, first, last = con.execute(f"select count(*), {span} from {name}").fetchall()[0]
    facts["dagster/row_count"] = count
    if first is not None:
        facts["date_range"] = f"{first} to {last} ({day})"
    if table[0] in SCHEMAS:
        newest = f'"{day}" desc' if day else "1"
        rows = con.execute(f"select * from {name} order by {newest} limit {ROWS_SHOWN}").fetchall()
        facts["preview"] = dg.MetadataValue.md(markdown([column for column, _ in columns], rows))
    if table in CHARTS:
        title, unit, sql = CHARTS[table]
        series: dict[str, list[Any]] = {}
        for label, on, value in con.execute(sql).fetchall():
            series.setdefault(label, []).append((on, float(value)))
        facts["chart"] = chart(title, unit, series)
    return facts


def _text(column: str, deps: Sequence[dg.TableColumnDep]) -> str:
    meaning = f"{FIELDS[column].en} [{FIELDS[column].unit}] | {FIELDS[column].zh}" if column in FIELDS else ""
    return "\n\n".join(part for part in (meaning, described(deps)) if part)
