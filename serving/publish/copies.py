"""Copy the models' tables into a release: rows in key order, keys and references declared, and a Shanghai clock time beside each instant.

Figures of the desk are rounded to the decimals of their source, and empty text becomes null. Nothing else changes here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter

import duckdb

from quality.fields import FIELDS, LOCAL, Kind, decimals
from serving.publish.keys import SCHEMAS, published_keys, published_schema, references

WORK = "warehouse"
"""The working warehouse, by the name that stands in its own views."""
RELEASE = "release"


@dataclass(frozen=True)
class Relation:
    """A table or view of the working warehouse that a release holds as a table."""

    schema: str
    table: str
    comment: str | None
    columns: tuple[tuple[str, str], ...]
    """Name and type of each."""

    @property
    def name(self) -> str:
        """Schema and table in the release, as keys and references are stated."""
        return f"{published_schema(self.schema, self.table)}.{self.table}"

    @property
    def copied(self) -> str:
        """Where the release holds it, for SQL."""
        return f'{RELEASE}.{published_schema(self.schema, self.table)}."{self.table}"'

    @property
    def key(self) -> tuple[str, ...]:
        """Columns of its key, empty where it has none."""
        return published_keys().get(self.name, ())


@dataclass(frozen=True)
class Broken:
    """A table that breaks its key or a reference, with the database's own words."""

    table: str
    message: str


def has_declared_key(name: str) -> bool:
    """Tell whether a table's key is declared: of the desk, and of dimensions.

    Each index takes a quarter of a megabyte at least in storage that old clients read, and those of all marts would make the file three times as
    large; the columns of their keys are declared NOT NULL, and dbt tests that no two rows share one.
    """
    schema, table = name.split(".")
    return schema == "desk" or table.startswith("dim_")


def local_columns(columns: tuple[tuple[str, str], ...]) -> list[str]:
    """Name the instants that get a column with the Shanghai time: described ones without such a column."""
    there = {name for name, _ in columns}
    return [name for name, kind in columns if kind == Kind.TIMESTAMP and f"{name}{LOCAL}" in FIELDS and f"{name}{LOCAL}" not in there]


def local_time(name: str) -> str:
    """Write the expression of such a column."""
    return f'timezone(\'Asia/Shanghai\', "{name}") as "{name}{LOCAL}"'


def copy_relations(con: duckdb.DuckDBPyConnection) -> list[Broken]:
    """Copy every relation of the published schemas with its comment, and give those that break what is declared of them.

    A table that breaks its key is copied without the key; a relation that cannot be read is not copied. Equal relations give equal tables.
    """
    broken, missing = [], set()
    con.execute(f"use {RELEASE}")  # a reference may not name another database, be it its own
    relations = _relations(con)
    # Each table by itself: what a transaction has made stays in memory until it ends, 50 MB of the sample's. No more of them than needed: each
    # end of one waits for the disk.
    for relation in _parents_first(relations):
        try:
            con.execute(f"begin; {_copy(relation, declared=True)}; commit")
        except duckdb.ConstraintException as error:
            broken.append(Broken(relation.name, str(error).splitlines()[0]))
            con.execute(f"rollback; begin; {_copy(relation, declared=False)}; commit")
        except (duckdb.BinderException, duckdb.CatalogException) as error:  # a view, or a reference, on what is not there
            broken.append(Broken(relation.name, str(error).splitlines()[0]))
            con.execute("rollback")
            missing.add(relation.name)
    comments = [
        f"comment on table {of.copied} is '{of.comment.replace(chr(39), chr(39) * 2)}'" for of in relations if of.comment and of.name not in missing
    ]
    con.execute("; ".join(("begin", *comments, "commit")))
    return broken


def _relations(con: duckdb.DuckDBPyConnection) -> list[Relation]:
    """Read what there is to copy from the catalogue; a view counts in the schema whose models are views."""
    asked = {"work": WORK, "schemas": list(SCHEMAS)}
    found = con.execute(
        "select schema_name, table_name, comment from duckdb_tables() where database_name = $work and list_contains($schemas, schema_name) "
        "union all select schema_name, view_name, comment from duckdb_views() where database_name = $work and list_contains($schemas, schema_name) "
        "and not internal order by 1, 2",
        asked,
    ).fetchall()
    columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, table, name, kind in con.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() where database_name = $work "
        "and list_contains($schemas, schema_name) order by schema_name, table_name, column_index",
        asked,
    ).fetchall():
        columns.setdefault((schema, table), []).append((name, kind))
    return [Relation(schema, table, comment, tuple(columns[schema, table])) for schema, table, comment in found]


def _parents_first(relations: list[Relation]) -> Iterator[Relation]:
    """Order relations so that a referenced table comes before the tables that refer to it."""
    by_name = {relation.name: relation for relation in relations}
    order = TopologicalSorter({name: {told.table for told in references().get(name, ())} & by_name.keys() for name in by_name})
    return (by_name[name] for name in order.static_order())


def _copy(relation: Relation, *, declared: bool) -> str:
    local = local_columns(relation.columns)
    never_null = relation.key if declared else ()
    columns = [f'"{name}" {kind}{" not null" if name in never_null else ""}' for name, kind in relation.columns]
    columns += [f'"{name}{LOCAL}" {Kind.LOCAL}' for name in local]
    constraints = []
    if declared and relation.key and has_declared_key(relation.name):
        constraints.append(f"primary key ({_listed(relation.key)})")
    if declared:
        constraints += [
            f'foreign key ({_listed(told.columns)}) references {told.table.split(".")[0]}."{told.table.split(".")[1]}" ({_listed(told.to_columns)})'
            for told in references().get(relation.name, ())
        ]
    figures = [_figure(relation, name, kind) for name, kind in relation.columns] + [local_time(name) for name in local]
    return (
        f"create table {relation.copied} ({', '.join(columns + constraints)}); "
        f'insert into {relation.copied} select {", ".join(figures)} from {WORK}.{relation.schema}."{relation.table}" order by {_listed(relation.key) or "all"}'
    )


def _figure(relation: Relation, name: str, kind: str) -> str:
    if relation.schema == "desk" and kind == Kind.NUMBER:
        return f'round("{name}", {decimals(name)}) as "{name}"'
    if relation.schema == "desk" and kind == Kind.TEXT and name not in relation.key:
        return f'nullif("{name}", \'\') as "{name}"'
    return f'"{name}"'


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
