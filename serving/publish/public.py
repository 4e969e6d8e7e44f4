"""Which columns of a published table may be passed on, by the licence of every source their values can come from. Reads the release."""

import duckdb

from serving.publish.keys import published_keys

_OURS = frozenset({"catalog", "ingest"})
"""Prefixes of raw tables that hold no source's figures: configuration, and the fetch log."""
_CHOSEN = frozenset({"catalog__rules", "catalog__rule_effects", "catalog__rule_conditions", "catalog__scenarios"})
"""Configuration of which a row names what fired: a rule's name and its published threshold say a figure to within a bound."""
_WITHHELD = frozenset(
    {"claim_facts", "claim_audit", "outlook_backtest", "outlook_scenarios", "outlook_drivers", "outlook_changes", "alerts", "held_figures"}
    | {"score_components", "changes_since_yesterday", "fct_policy_events"}
)
"""Tables that Python fills with figures, so that nothing is known of a column's sources, those with a row only where a figure called for one, and the
events, whose weights are ours and say which word the source used."""
_OF_THE_RELEASE = frozenset({"publication", "data_dictionary", "source_status", "quality_results", "metrics"})
"""Tables that say what a release is; a number in them is no figure of a source."""
_QUOTES = frozenset({("data_dictionary", "example"), ("source_status", "last_message")})
"""Columns that repeat a value or a text, whoever it is from."""
_NUMBERS = ("DOUBLE", "FLOAT", "DECIMAL", "BIGINT", "INTEGER", "HUGEINT", "SMALLINT")
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
    if licensed and table in _WITHHELD:
        named = ", ".join(sorted(licensed))
        raise LicensedError(f"nothing of {schema}.{table} may be passed on: its rows tell of figures of {named} (licences.toml)")
    behind = dict(con.execute(_COLUMNS, [schema, table]).fetchall())
    keys = set(published_keys().get(f"{schema}.{table}", ()))
    types = {name: str(kind) for name, kind, *_ in con.execute(f'describe "{schema}"."{table}"').fetchall()}
    columns = list(types)
    whose = {name: _of(_told(table, name, kind, behind.get(name, "unknown")), licensed) for name, kind in types.items()}
    kept = [name for name in columns if name in keys or not whose[name]]
    if not set(kept) - keys:
        named = ", ".join(sorted(set().union(*whose.values())))
        raise LicensedError(f"nothing of {schema}.{table} may be passed on: its figures come from {named} (licences.toml)")
    return kept, [name for name in columns if name not in kept]


def _told(table: str, column: str, kind: str, sources: str) -> str:
    """Give the sources of a column; unknown where it repeats another's words, or is a number whose sources the dictionary does not know: it counts rows."""
    counts = sources == "-" and kind.startswith(_NUMBERS) and table not in _OF_THE_RELEASE
    return "unknown" if counts or (table, column) in _QUOTES else sources


def _of(sources: str, licensed: set[str]) -> set[str]:
    """Give the sources behind a column that may not be passed on. Where the sources of a column are unknown, all restricted ones count."""
    if sources == "-":
        return set()
    names = set(sources.split("; "))
    prefixes = {name.split("__")[0] for name in names} - _OURS
    made_of_all = {"unknown", "outlook"} & prefixes or _CHOSEN & names  # every quote goes into the fit of the forecast, and any figure into a rule
    return (prefixes & licensed) | (licensed if made_of_all else set())
