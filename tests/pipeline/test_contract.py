"""What BI tools build on: the frozen columns of `outlook_v2` and of its view `outlook_v1`, plain types, names that carry their unit, comments everywhere.

`tests/contracts/outlook_v2.json` is the promise. Columns are only ever added, at the end: extend the file then. Anything else needs
`outlook_v3` beside it, and a day in `deprecated_from` until which the old table is still published. `outlook_v1.json` stands as it is.
"""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from quality.fields import FIELDS
from serving.publish.public import LicensedError, passed_on
from tests.pipeline.conftest import Built

ROOT = Path(__file__).parents[2]
PROMISES = {name: json.loads((ROOT / f"tests/contracts/{name}.json").read_text(encoding="utf-8"))["columns"] for name in ("outlook_v1", "outlook_v2")}
PROMISED = PROMISES["outlook_v2"]
# What the release puts behind the columns that dbt enforces.
ADDED = {"outlook_v1": [], "outlook_v2": json.loads((ROOT / "tests/contracts/outlook_v2.json").read_text(encoding="utf-8"))["added_by_release"]}
SERVING = ROOT / "dbt_project/models/serving"
Columns = list[dict[str, str]]

# What every client reads, Excel and JDBC included; no lists, structs, 128-bit integers.
PLAIN = {"VARCHAR", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "BIGINT", "DOUBLE", "BOOLEAN"}
SUFFIXES = {
    "CNY": "_cny", "CNY/t": "_cny_t", "CNY/USD": "_cny_usd", "CNY/t per month": "_cny_t_month", "USD": "_usd", "USD/t": "_usd_t", "kt": "_kt",
    "kt/a": "_kt_a", "kt/day": "_kt_day", "lots": "_lots", "pct": "_pct", "pct per month": "_pct_month", "pp": "_pp", "t": "_t",
    "t a day": "_t_day", "t/lot": "_t", "instant": ("_at", "_until"), "Shanghai time": "_sh", "ratio": ("_ratio", "_ratio_20d", "_ratio_low", "_ratio_high"),
}  # fmt: skip
UNSUFFIXED = {"confidence", "coverage", "receipts_change_norm", "as_of"}  # shares of one by their name, a time by its name


def broken(promised: Columns, today: Columns) -> list[str]:
    """Say how today's columns break the promise, and what to do."""
    found, advice = [], "; keep it, publish `outlook_v3` beside `outlook_v2`, and set `deprecated_from` in tests/contracts/outlook_v2.json"
    now = {column["name"]: column for column in today}
    for column in promised:
        name = column["name"]
        if name not in now:
            found.append(f"{name} is gone{advice}")
            continue
        found += [f"{name}: {key} was {column[key]}, is {now[name][key]}{advice}" for key in ("type", "unit") if column[key] != now[name][key]]
    names = [column["name"] for column in promised]
    kept = [column["name"] for column in today if column["name"] in names]
    if not found and kept != names:
        found.append(f"the order of columns changed{advice}")
    elif not found and [column["name"] for column in today[: len(names)]] != names:
        found.append("a new column stands between promised ones; put it at the end")
    found += [f"{name} is new; add it at the end of tests/contracts/outlook_v2.json" for name in now if name not in names]
    return found


def declared() -> Columns:
    """The contract dbt enforces, with units from the one list of columns."""
    models = yaml.safe_load((SERVING / "_serving.yml").read_text(encoding="utf-8"))["models"]
    columns = next(model for model in models if model["name"] == "outlook_v2")["columns"]
    return [{"name": c["name"], "type": c["data_type"].upper(), "unit": FIELDS[c["name"]].unit} for c in columns]


def test_what_dbt_enforces_is_what_was_promised() -> None:
    assert broken(PROMISED, declared()) == []


@pytest.mark.parametrize("table", PROMISES)
def test_what_is_published_is_what_was_promised(sample: Built, table: str) -> None:
    rows = sample.published(
        """
        select columns.column_name, columns.data_type, dictionary.unit
        from duckdb_columns() as columns
        inner join serving.data_dictionary as dictionary using (schema_name, table_name, column_name)
        where columns.schema_name = 'serving' and columns.table_name = ?
        order by columns.column_index
        """,
        table,
    )
    assert broken(PROMISES[table] + ADDED[table], [dict(zip(("name", "type", "unit"), row, strict=True)) for row in rows]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c[:5] + c[6:], "status is gone"),
        (lambda c: [*c[:7], c[7] | {"type": "BIGINT"}, *c[8:]], "coverage: type was DOUBLE, is BIGINT"),
        (lambda c: [*c[:7], c[7] | {"unit": "pct"}, *c[8:]], "coverage: unit was ratio, is pct"),
        (lambda c: [c[1], c[0], *c[2:]], "the order of columns changed"),
        (lambda c: [*c[:3], {"name": "fresh", "type": "DOUBLE", "unit": "pct"}, *c[3:]], "put it at the end"),
        (lambda c: [*c, {"name": "fresh", "type": "DOUBLE", "unit": "pct"}], "fresh is new; add it at the end of tests/contracts/outlook_v2.json"),
    ],
    ids=["dropped", "type", "unit", "order", "between", "added"],
)
def test_a_change_of_the_contract_is_noticed_and_says_what_to_do(change: Any, said: str) -> None:
    found = broken(PROMISED, change(PROMISED))
    assert any(said in text for text in found), found
    assert "fresh" in said or "at the end" in said or all("outlook_v3" in text for text in found)


def test_every_published_type_is_plain(sample: Built) -> None:
    rows = sample.published("select table_name || '.' || column_name, data_type from duckdb_columns() where not internal")
    assert {name: kind for name, kind in rows if kind not in PLAIN} == {}


def test_names_are_ascii_and_carry_their_unit(sample: Built) -> None:
    names = sample.published("select distinct unnest([schema_name, table_name, column_name]) from duckdb_columns() where not internal")
    assert [name for (name,) in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)] == []
    units = sample.published("select distinct column_name, unit from serving.data_dictionary")
    assert [(name, unit) for name, unit in units if unit in SUFFIXES and name not in UNSUFFIXED and not name.endswith(SUFFIXES[unit])] == []


def test_every_table_view_and_column_has_a_comment(sample: Built) -> None:
    silent = sample.published(
        """
        select table_name from duckdb_tables() where coalesce(comment, '') = ''
        union all
        select view_name from duckdb_views() where not internal and coalesce(comment, '') = ''
        union all
        select table_name || '.' || column_name
        from duckdb_columns()
        where not internal and coalesce(comment, '') = ''
        """
    )
    assert silent == []
    views = sample.published(
        "select table_name, count(*) from serving.data_dictionary where table_name in ('outlook', 'outlook_latest', 'outlook_v1') and column_name <> '*' group by all"
    )
    # score, confidence and is_valid beside the table's own.
    columns = len(PROMISED + ADDED["outlook_v2"]) + 3
    assert dict(views) == {"outlook": columns, "outlook_latest": columns, "outlook_v1": len(PROMISES["outlook_v1"])}


def test_valid_until_tells_a_reader_when_a_row_is_stale(sample: Built) -> None:
    """A row is valid until the next decision: at any moment at most one row of a commodity and horizon is."""
    assert sample.published("select count(*) from serving.outlook where valid_until is null or valid_until <= decision_at") == [(0,)]
    overlaps = sample.published(
        """
        select count(*) from serving.outlook as earlier
        inner join serving.outlook as later using (commodity_code, horizon)
        where later.as_of_date > earlier.as_of_date and later.decision_at < earlier.valid_until
        """
    )
    assert overlaps == [(0,)]
    fresh = "select count(*) from serving.outlook_latest where commodity_code = 'AO' and valid_until > cast(? as timestamptz)"
    assert sample.published(fresh, "2025-07-24 17:29:00+08") == [(3,)]
    assert sample.published(fresh, "2025-07-24 17:31:00+08") == [(0,)]


def test_every_consumer_names_tables_that_exist() -> None:
    exposures = yaml.safe_load((SERVING / "_exposures.yml").read_text(encoding="utf-8"))["exposures"]
    models = {path.stem for path in (ROOT / "dbt_project/models").glob("**/*.sql")}
    named = {name for exposure in exposures for ref in exposure["depends_on"] for name in re.findall(r"ref\('(\w+)'\)", ref)}
    assert named <= models
    assert {path.stem for path in SERVING.glob("*.sql")} <= named
    documented = set(re.findall(r"\b(?:fct_\w+)", (ROOT / "docs/analysts.md").read_text(encoding="utf-8")))
    questions = next(exposure for exposure in exposures if exposure["name"] == "analyst_questions")
    assert documented <= {name for ref in questions["depends_on"] for name in re.findall(r"ref\('(\w+)'\)", ref)}


def test_what_a_public_export_holds_is_what_was_agreed(sample: Built) -> None:
    """`alumina export --public` of every table, by column. A column that is new here is judged against docs/operations.md, section Licences, before the file is extended."""
    with duckdb.connect(str(sample.home / "serving" / "alumina.duckdb"), read_only=True) as con:
        tables = con.execute("select distinct schema_name, table_name from serving.data_dictionary order by all").fetchall()
        found = {f"{schema}.{table}": kept for schema, table in tables if (kept := _passed_on(con, schema, table))}
    assert found == json.loads((ROOT / "tests/contracts/public.json").read_text(encoding="utf-8"))


def _passed_on(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[str]:
    try:
        return passed_on(con, schema, table)[0]
    except LicensedError:
        return []
