"""Which columns of a published table may be passed on, by the licence of every source their values can come from. Reads the release."""

import duckdb

from serving.publish.keys import published_keys

_OURS = frozenset({"catalog", "ingest"})
"""Prefixes of raw tables that hold no source's figures: configuration, and the fetch log."""
_ASKED = "select distinct source from serving.source_status where not may_redistribute"
_COLUMNS = "select column_name, sources from serving.data_dictionary where schema_name = ? and table_name = ? and column_name <> '*'"


class LicensedError(Exception):
    """No figure of a table may be passed on; the message names the sources."""


def passed_on(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> tuple[list[str], list[str]]:
    """Give the columns that may be passed on and those that may not, in the table's order. Key columns always may.

    Raises LicensedError where only keys would be left, and for a release that does not state the licences of its sources.
    """
    try:
        licensed = {source for (source,) in con.execute(_ASKED).fetchall()}
    except duckdb.BinderException:
        raise LicensedError("this release does not say yet on what terms its sources are used; that takes: alumina run") from None
    behind = dict(con.execute(_COLUMNS, [schema, table]).fetchall())
    keys = set(published_keys().get(f"{schema}.{table}", ()))
    columns = [name for name, *_ in con.execute(f'describe "{schema}"."{table}"').fetchall()]
    whose = {name: _of(behind.get(name, "unknown"), licensed) for name in columns}
    kept = [name for name in columns if name in keys or not whose[name]]
    if not set(kept) - keys:
        named = ", ".join(sorted(set().union(*whose.values())))
        raise LicensedError(f"nothing of {schema}.{table} may be passed on: its figures come from {named} (licences.toml)")
    return kept, [name for name in columns if name not in kept]


def _of(sources: str, licensed: set[str]) -> set[str]:
    """Give the sources behind a column that may not be passed on. Where the sources of a column are unknown, all restricted ones count."""
    if sources == "-":
        return set()
    prefixes = {name.split("__")[0] for name in sources.split("; ")} - _OURS
    made_of_all = {"unknown", "outlook"} & prefixes  # every quote goes into the fit of the forecast
    return (prefixes & licensed) | (licensed if made_of_all else set())
