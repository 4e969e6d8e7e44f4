"""Which columns a column is made of, read from the SQL that dbt compiled, and which raw tables in the end.

dagster-dbt's own reading takes a minute for what takes two seconds here: it parses a model once for each of its columns.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import dagster as dg

from ingest.notes import NoteError, read_note, write_note
from ingest.settings import Settings
from serving.publish.release import UNKNOWN, PublishRefusedError

if TYPE_CHECKING:
    from sqlglot import MappingSchema
    from sqlglot.lineage import Node

Columns = Mapping[tuple[str, ...], list[tuple[str, str]]]
"""Name and type of the columns of each table, by (schema, table)."""
Origins = Mapping[str, Sequence[dg.TableColumnDep]]
"""By column the columns it is made of."""
SHOWN = 4
KEPT = "column_lineage.json"
READ = "column_lineage_read.json"
"""Queries that were read before, by their hash: from one day to the next none has changed."""


def origins_of(settings: Settings, queries: Mapping[tuple[str, ...], str], columns: Columns) -> dict[tuple[str, ...], Origins]:
    """Give what `origins` gives for each query; one that was read before, with the same columns of all tables about it, is not read again."""
    about = _hash(json.dumps([version("sqlglot"), sorted((list(table), held) for table, held in columns.items())]))
    before = _read_before(settings, about)
    hashes = {table: _hash(sql) for table, sql in queries.items()}
    if missing := {table: sql for table, sql in queries.items() if hashes[table] not in before}:
        known = catalog(settings.warehouse.stem, columns)
        found = {hashes[table]: origins(sql, known) for table, sql in missing.items()}
        before |= {
            sql: {name: [[*dep.asset_key.path, dep.column_name] for dep in deps] for name, deps in made.items()} for sql, made in found.items()
        }
        write_note(settings.workshop / READ, {"about": about, "queries": {sql: before[sql] for sql in hashes.values()}}, durable=False)
    return {
        table: {name: [dg.TableColumnDep(dg.AssetKey([schema, up]), column) for schema, up, column in deps] for name, deps in before[sql].items()}
        for table, sql in hashes.items()
    }


def _read_before(settings: Settings, about: str) -> dict[str, dict[str, list[list[str]]]]:
    try:
        found = read_note(settings.workshop / READ, "") or {}
    except NoteError:  # a damaged note is ignored, and the queries are read again
        return {}
    return dict(found["queries"]) if found.get("about") == about else {}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def catalog(database: str, columns: Columns) -> "MappingSchema":
    """Make what a query's stars and bare names are resolved by."""
    from sqlglot import MappingSchema, exp  # 30 MB and half a second, which a run whose queries were all read before does not need

    schema = MappingSchema(dialect="duckdb")
    for (name, table), held in columns.items():
        schema.add_table(exp.table_(table, name, database, quoted=True), dict(held), dialect="duckdb")
    return schema


def origins(sql: str, known: "MappingSchema") -> dict[str, list[dg.TableColumnDep]]:
    """Give for each column of a query the columns of tables its value is made of; none at all for a query that cannot be read."""
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage

    try:
        found = lineage(None, sql, known, dialect="duckdb", trim_selects=False)
        return {
            column: [dg.TableColumnDep(dg.AssetKey([schema, table]), name) for schema, table, name in sorted(set(_leaves(node)))]
            for column, node in found.items()
        }
    except (SqlglotError, ValueError, TypeError, KeyError, RecursionError):  # lineage is only shown; it must never fail a build
        return {}


def _leaves(node: "Node") -> Iterator[tuple[str, str, str]]:
    from sqlglot import exp

    for leaf in node.walk():
        if isinstance(leaf.source, exp.Table):
            yield leaf.source.db, leaf.source.name, exp.to_column(leaf.name).name


def described(deps: Iterable[dg.TableColumnDep]) -> str:
    """Write origins in one line: the open-source UI draws no column lineage, it only shows a column's description."""
    names = [f"`{dep.asset_key.path[-1]}.{dep.column_name}`" for dep in deps]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"from {', '.join(names[:SHOWN])}{more}" if names else ""


def keep(settings: Settings, found: Mapping[tuple[str, ...], Origins], *, afresh: bool) -> None:
    """Keep what the columns of the tables just built are made of, beside what is known of others; `afresh`, these are all there are.

    Where the others are unknown, nothing is kept: a part would look like the whole.
    """
    known = {} if afresh else _known(settings)
    if known is None:
        return
    for table, columns in found.items():
        known[".".join(table)] = {name: [[*dep.asset_key.path, dep.column_name] for dep in deps] for name, deps in columns.items()}
    write_note(settings.workshop / KEPT, known)


def _known(settings: Settings) -> dict[str, Any] | None:
    """Give what is kept of all columns; None where nothing is, or nothing that can be believed: the next build of all models tells anew."""
    try:
        return read_note(settings.workshop / KEPT, "alumina run")
    except NoteError:
        return None


def made_of(settings: Settings) -> dict[str, dict[str, list[list[str]]]]:
    """Give for each table and column the columns it is made of, each as schema, table and name.

    Raises PublishRefusedError where no build has told.
    """
    known = _known(settings)
    if known is None:
        raise PublishRefusedError("no build of the models has told what their columns are made of; that takes: alumina run")
    return known


def sources(settings: Settings) -> dict[tuple[str, ...], frozenset[str]]:
    """Give for each column, by schema, table and name, the raw tables its values can come from; `unknown` stands for SQL that could not be read.

    Raises PublishRefusedError where no build has told what its columns are made of.
    """
    deps_of = {(*table.split("."), name): deps for table, columns in made_of(settings).items() for name, deps in columns.items()}

    @cache
    def raw(column: tuple[str, ...]) -> frozenset[str]:
        if column[0] == "raw" or column not in deps_of:
            return frozenset([column[1] if column[0] == "raw" else UNKNOWN])
        return frozenset().union(*(raw(tuple(dep)) for dep in deps_of[column]))

    return {column: raw(column) for column in deps_of}
