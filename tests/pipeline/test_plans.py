"""No model compares everything with everything: a join of two sides that both grow with history needs a key that grows with it.

DuckDB's own plans say so. A side grows when a table in it does, and a table grows unless it holds nothing but configuration. A nested
loop of two such sides takes time by the square of the history; so does a hash join whose equal columns are all of the catalogue, such as
the commodity alone: what else is asked of a pair is asked of every pair of the commodity.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest

from tests.pipeline.conftest import Built

LOOPS = {"NESTED_LOOP_JOIN", "BLOCKWISE_NL_JOIN", "CROSS_PRODUCT", "PIECEWISE_MERGE_JOIN", "IE_JOIN"}
ONE_ROW = {"UNGROUPED_AGGREGATE", "DUMMY_SCAN", "COLUMN_DATA_SCAN", "EMPTY_RESULT"}
CALENDAR = {"catalog__trading_days", "catalog__release_days"}
"""Configuration that grows by a row a day or a month."""
KEYS = {"reading"}
"""Columns that hold a handful of values, beside those of the catalogue."""
PROVENANCE = {"payload_sha256", "fetched_at", "published_at", "valid_from"}

ALLOWED = {
    # The spot legs there are, a handful a commodity.
    "int_basis__daily": {"HASH_JOIN INNER on commodity_code = commodity_code"},
    # The pairs are the answer: at each decision every event known by then counts, however long ago.
    "int_policy__known": {"HASH_JOIN INNER on commodity_code = commodity_code and decision_at >= available_at"},
    # The kinds of event there are, twelve with the days that are none, at four lengths, on each day.
    "int_panel__studies": {"CROSS_PRODUCT  on nothing"},
    # A place is one version of one week's report: each decision finds one.
    "int_stock__known": {"HASH_JOIN LEFT on commodity_code = commodity_code and place = place"},
}
"""Joins that may be of all pairs, by how they begin, each with its reason."""

Plan = dict[str, Any]


def plan(con: duckdb.DuckDBPyConnection, sql: str) -> Plan:
    """Give the plan of a statement."""
    found = json.loads(con.execute(f"explain (format json) {sql}").fetchall()[0][1])
    return {"name": "ROOT", "extra_info": {}, "children": found}


def fixed(manifest: Mapping[str, Any]) -> set[str]:
    """Name the relations made of configuration alone."""
    names, parents = {}, {}
    for key, node in (manifest["sources"] | manifest["nodes"]).items():
        if node["resource_type"] in ("source", "model"):
            names[key] = f"{node['schema']}.{node.get('alias') or node['name']}"
            parents[key] = node.get("depends_on", {}).get("nodes", [])

    def is_fixed(key: str) -> bool:
        table = names[key].split(".")[1]
        if not parents[key]:
            return table == "ingest__horizon" or (table.startswith("catalog__") and table not in CALENDAR)
        return all(is_fixed(parent) for parent in parents[key])

    return {name for key, name in names.items() if is_fixed(key)}


def quadratic(plan: Plan, unchanging: set[str], few: set[str]) -> Iterator[str]:
    """Give the joins of a plan whose cost is that of all pairs of two growing sides."""
    tables: dict[str, bool] = {}

    def grows(node: Plan) -> bool:
        name, info, below = node["name"].strip(), node["extra_info"], node["children"]
        if name in ONE_ROW or (name == "HASH_GROUP_BY" and grouped(node) <= few):
            return False
        if "Table" in info:
            return ".".join(info["Table"].split(".")[-2:]) not in unchanging
        if name == "CTE_SCAN":
            return tables[info["CTE Index"]]
        return any(grows(child) for child in (below[-1:] if name == "CTE" else below))

    def walk(node: Plan) -> Iterator[str]:
        name, info = node["name"].strip(), node["extra_info"]
        for place, child in enumerate(node["children"]):
            yield from walk(child)
            if name == "CTE" and place == 0:
                tables[info["Table Index"]] = grows(child)
        if name in LOOPS | {"HASH_JOIN"} and all(grows(child) for child in node["children"]):
            conditions = listed(info.get("Conditions") or info.get("Condition"))
            equal = {side for told in conditions for side in told.replace(" IS NOT DISTINCT FROM ", " = ").split(" = ") if side != told}
            if name in LOOPS or equal <= few:
                yield f"{name} {info.get('Join Type', '')} on {' and '.join(conditions) or 'nothing'}"

    yield from walk(plan)


def listed(told: str | list[str] | None) -> list[str]:
    """Give what a plan tells as a list: it leaves the list out where there is one thing to tell."""
    return [told] if isinstance(told, str) else told or []


def grouped(node: Plan) -> set[str]:
    """Name the columns a plan groups by; they are told as places in the projection below."""
    below = node["children"][0]
    names = listed(below["extra_info"].get("Projections"))
    return {names[int(place.removeprefix("#"))] if names else place for place in listed(node["extra_info"].get("Groups"))}


def few_values(con: duckdb.DuckDBPyConnection, unchanging: set[str]) -> set[str]:
    """Name the columns that do not tell two days apart: those of configuration."""
    rows = con.execute("select schema_name || '.' || table_name, column_name from duckdb_columns() where not internal").fetchall()
    return {column for table, column in rows if table in unchanging} - PROVENANCE | KEYS


@dataclass(frozen=True)
class Warehouse:
    """A built warehouse, and what is known of its tables."""

    con: duckdb.DuckDBPyConnection
    statements: dict[str, str]
    unchanging: set[str]
    few: set[str]

    def quadratic(self, sql: str) -> list[str]:
        return list(quadratic(plan(self.con, sql), self.unchanging, self.few))


@pytest.fixture(scope="module")
def warehouse(sample: Built) -> Iterator[Warehouse]:
    """The sample, with every model as its run compiled it."""
    manifest = json.loads((sample.home / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    with duckdb.connect(str(sample.home / "warehouse.duckdb"), read_only=True) as con:
        unchanging = fixed(manifest)
        yield Warehouse(con, {node["name"]: node["compiled_code"] for node in models}, unchanging, few_values(con, unchanging))


def test_no_model_compares_all_of_history_with_all_of_it(warehouse: Warehouse) -> None:
    found = {(name, join) for name, sql in warehouse.statements.items() for join in warehouse.quadratic(sql)}
    assert warehouse.statements
    unexpected = {(name, join) for name, join in found if not any(join.startswith(start) for start in ALLOWED.get(name, ()))}
    assert not unexpected
    unused = {
        (name, start) for name, starts in ALLOWED.items() for start in starts if not any(join.startswith(start) for of, join in found if of == name)
    }
    assert not unused, "these are joined in another way by now"


SESSIONS = "intermediate.int_futures__session as sessions"
BEFORE = "(select *, trade_date + 1 as next_date from intermediate.int_futures__daily) as daily"
SAME = "sessions.contract_code = daily.contract_code and sessions.trade_date = daily.next_date"
QUADRATIC = {
    "an or over both sides": f"{SESSIONS} left join {BEFORE} on {SAME} and (sessions.reading = 'latest' or sessions.available_at >= daily.available_at)",
    "a condition on one side": f"{SESSIONS} left join {BEFORE} on {SAME} and sessions.reading = 'latest'",
    "a window by the commodity": f"{SESSIONS} inner join {BEFORE} on sessions.commodity_code = daily.commodity_code "
    "and daily.next_date between sessions.trade_date - 20 and sessions.trade_date",
    "the calendar as numbers": "marts.fct_spot_daily as spot inner join marts.dim_trading_day as days on 100 * days.session_index <= spot.spot_cny_t",
}
LINEAR = {
    "keys alone": f"{SESSIONS} left join {BEFORE} on {SAME}",
    "keys and a bound": f"{SESSIONS} left join {BEFORE} on {SAME} and sessions.available_at >= daily.available_at",
    "a term in force": f"{SESSIONS} left join intermediate.int_commodities__terms as terms on sessions.commodity_code = terms.commodity_code "
    "and sessions.trade_date >= terms.valid_from and (terms.superseded_from is null or sessions.trade_date < terms.superseded_from)",
    "the series there are": f"{SESSIONS} inner join (select distinct commodity_code, provider from intermediate.int_series__values) as lines "
    "on sessions.commodity_code = lines.commodity_code",
}


@pytest.mark.parametrize("joined", QUADRATIC.values(), ids=QUADRATIC)
def test_a_join_of_all_pairs_is_seen(warehouse: Warehouse, joined: str) -> None:
    assert warehouse.quadratic(f"select * from {joined}")


@pytest.mark.parametrize("joined", LINEAR.values(), ids=LINEAR)
def test_a_join_by_keys_or_with_configuration_is_none(warehouse: Warehouse, joined: str) -> None:
    assert not warehouse.quadratic(f"select * from {joined}")
