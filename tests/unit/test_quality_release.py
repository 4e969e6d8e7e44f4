"""The release gate: good tables pass it, and each kind of rule stops exactly the table made to break it."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from ingest.catalog.documents import load
from ingest.catalog.schemas import PublishedBounds, PublishedFile
from quality.fields import FIELDS, Kind
from quality.gate import BOUNDED, GATES, GateResult, run_gate
from serving.publish.judge import gate_process
from serving.publish.keys import published_keys
from serving.publish.release import ranges

Frames = dict[str, pd.DataFrame]
Failure = tuple[str, str, str | None]
KEYS = published_keys()
OUTLOOK, FUTURES, RECEIPTS, BASIS = "serving.outlook_v2", "marts.fct_futures_daily", "marts.fct_receipts_daily", "marts.fct_basis_daily"

PUBLISHED = load(PublishedFile)
RANGES = pd.DataFrame(
    [("marts.fct_basis_daily", "premium_rate_pct", -75.0, 150.0, -20.0, 12.0, 0)],
    columns=["table_name", "column_name", "lowest", "highest", "lowest_found", "highest_found", "rows_outside"],
)


def fitting(table: str, number: int) -> dict[str, Any]:
    """A row that keeps every rule of the table's gate and of its columns' bounds; rows of different numbers have different keys."""
    gate = GATES[table]
    columns = {*KEYS[table], *gate.never_null, *gate.value_sets, "volume_lots", "confidence", "warehouse_count"}
    row: dict[str, Any] = {}
    for name in sorted(columns):
        field = FIELDS[name]
        low = field.ge if field.ge is not None else 1
        row[name] = {
            Kind.TEXT: "x",
            Kind.DATE: date(2025, 7, number),
            Kind.TIMESTAMP: datetime(2025, 7, number, 12, tzinfo=UTC),
            Kind.INTEGER: int(low),
            Kind.NUMBER: float(low),
            Kind.FLAG: True,
        }[field.kind]
    return row | {name: allowed[0] for name, allowed in gate.value_sets.items()}


def good() -> Frames:
    return {table: pd.DataFrame([fitting(table, number) for number in (14, 15, 16)]) for table in GATES}


def failures(results: list[GateResult]) -> dict[Failure, GateResult]:
    return {(result.table, result.check, result.column): result for result in results if not result.passed}


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[GateResult], Path]:
    docs = tmp_path_factory.mktemp("docs")
    frames = good()
    frames[BASIS] = frames[BASIS].iloc[:0]  # a home without spot prices: this mart may be empty
    return run_gate({**frames, "marts.not_gated": pd.DataFrame({"a": [None]})}, KEYS, docs, RANGES), docs


def test_good_tables_pass_every_rule(passed: tuple[list[GateResult], Path]) -> None:
    results, _ = passed
    assert failures(results) == {}
    assert {result.table for result in results} == {*GATES, BOUNDED}
    assert all(result.message == "" and result.rows_failed == 0 for result in results)


def test_every_declared_rule_was_looked_at(passed: tuple[list[GateResult], Path]) -> None:
    results, _ = passed
    looked_at = {(result.table, result.check, result.column) for result in results}
    for table, gate in GATES.items():
        assert (table, "expect_table_row_count_to_be_between", None) in looked_at
        assert (table, "expect_compound_columns_to_be_unique", None) in looked_at
        assert {(table, "expect_column_values_to_not_be_null", name) for name in gate.never_null} <= looked_at
        assert {(table, "expect_column_values_to_be_in_set", name) for name in gate.value_sets} <= looked_at
        for name in ("volume_lots", "confidence", "warehouse_count"):
            assert (table, "expect_column_values_to_be_between", name) in looked_at


def test_the_audit_is_written_as_pages_people_can_open(passed: tuple[list[GateResult], Path]) -> None:
    _, docs = passed
    assert (docs / "index.html").is_file()
    assert len(list(docs.rglob("*.html"))) > len(GATES)


def changed(frames: Frames, table: str, change: Callable[[pd.DataFrame], pd.DataFrame | None]) -> None:
    frame = frames[table].copy()
    result = change(frame)
    frames[table] = frame if result is None else result


def put(column: str, value: Any) -> Callable[[pd.DataFrame], None]:
    def change(frame: pd.DataFrame) -> None:
        frame[column] = frame[column].astype(object)
        frame.loc[1, column] = value

    return change


def spoilt(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame.assign(volume_lots=[1, -1, 1]), frame.iloc[[0]]], ignore_index=True)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[Failure, GateResult]:
    """One run for every kind of rule: rules are judged apart, and a run costs seconds."""
    frames = good()
    changed(frames, OUTLOOK, put("disclaimer", None))
    changed(frames, OUTLOOK, lambda frame: frame.assign(confidence=[0.5, 1.01, None]))
    changed(frames, FUTURES, lambda frame: frame.iloc[:0])
    changed(frames, RECEIPTS, spoilt)
    changed(frames, BASIS, put("futures_leg", "noon"))
    changed(frames, BASIS, lambda frame: frame.drop(columns="contract_code"))
    import great_expectations as gx

    with pytest.MonkeyPatch.context() as patch:  # pages are looked at above and take most of a run's time
        patch.setattr(gx.data_context.AbstractDataContext, "build_data_docs", lambda *_, **__: {})
        return failures(run_gate(frames, KEYS, tmp_path_factory.mktemp("docs"), RANGES))


KINDS: dict[str, tuple[Failure, int, str]] = {
    "null": ((OUTLOOK, "expect_column_values_to_not_be_null", "disclaimer"), 1, "disclaimer"),
    "upper bound": ((OUTLOOK, "expect_column_values_to_be_between", "confidence"), 1, "1.01"),
    "row count": ((FUTURES, "expect_table_row_count_to_be_between", None), 0, "0 rows"),
    "key": ((RECEIPTS, "expect_compound_columns_to_be_unique", None), 2, "commodity_code, trade_date"),
    "lower bound": ((RECEIPTS, "expect_column_values_to_be_between", "volume_lots"), 1, "-1"),
    "value set": ((BASIS, "expect_column_values_to_be_in_set", "futures_leg"), 1, "noon"),
    "missing column": ((BASIS, "expect_column_values_to_not_be_null", "contract_code"), 0, "contract_code"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_rule_is_reported_with_its_rows_and_an_example(kind: str, broken: dict[Failure, GateResult]) -> None:
    failure, rows, word = KINDS[kind]
    assert broken[failure].rows_failed == rows
    assert word in broken[failure].message


def test_nothing_else_is_reported(broken: dict[Failure, GateResult]) -> None:
    assert set(broken) == {failure for failure, _, _ in KINDS.values()}


PLANTED: dict[str, PublishedBounds] = {
    **{name: row for row in PUBLISHED.bounds for name in row.columns},
    # The end of a name is that of a column which no other entry speaks of.
    **{f"x{ending}": row for row in PUBLISHED.bounds for ending in row.endings if PUBLISHED.of(f"x{ending}") is row},
}


def test_an_absurd_figure_planted_in_any_published_column_is_refused_by_name(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute("create schema marts; create schema serving; create table serving.held_figures (value double)")
        con.execute("insert into serving.held_figures values (1e99)")
        for side in ("below", "above", "nan", "inside"):
            figures = {
                "below": "{0} - 0.01 * ({1} - {0})", "above": "{1} + 0.01 * ({1} - {0})", "nan": "'nan'::double", "inside": "({0} + {1}) / 2",
            }  # fmt: skip
            columns = ", ".join(f'{figures[side].format(row.lowest, row.highest)} as "{name}"' for name, row in PLANTED.items())
            con.execute(f"create table marts.{side} as select cast(columns(*) as double) from (select {columns})")
        found = ranges(con).to_pandas()
    outside = {(row.table_name, row.column_name) for row in found.itertuples() if row.rows_outside}
    assert outside == {(f"marts.{side}", name) for side in ("below", "above", "nan") for name in PLANTED}
    refused = [result for result in run_gate({}, KEYS, tmp_path, found) if result.check == "stays_inside_its_bounds"]
    assert {(result.table, result.column) for result in refused} == outside
    (premium,) = [result for result in refused if result.column == "premium_rate_pct" and result.table == "marts.above"]
    assert premium.message == (
        "premium_rate_pct goes from 152.25 to 152.25, in 1 rows beyond -75 to 150, between which it is believed (published.toml)"
    )


def test_a_missing_table_is_a_failed_rule_and_no_exception(tmp_path: Path) -> None:
    assert {failure: result.message for failure, result in failures(run_gate({}, KEYS, tmp_path, RANGES)).items()} == {
        (table, "table_is_published", None): f"{table} is missing from the release" for table in GATES
    }


def test_every_gate_speaks_of_declared_columns_only() -> None:
    for table, gate in GATES.items():
        assert {*KEYS[table], *gate.never_null, *gate.value_sets} <= set(FIELDS)


def test_in_a_process_of_its_own_the_gate_says_the_same(tmp_path: Path) -> None:
    frames = good()
    frames[RECEIPTS].loc[1, "trade_date"] = frames[RECEIPTS].loc[0, "trade_date"]
    with gate_process() as gate:
        found = gate({table: pl.from_pandas(frame) for table, frame in frames.items()}, KEYS, tmp_path / "docs", pl.from_pandas(RANGES))
    here = run_gate({table: pl.from_pandas(frame).to_pandas() for table, frame in frames.items()}, KEYS, tmp_path / "other", RANGES)
    assert [asdict(result) for result in found] == [row | {"rows": tuple(row["rows"])} for row in as_text([asdict(result) for result in here])]
    assert [result.check for result in found if not result.passed] == ["expect_compound_columns_to_be_unique"]
    assert (tmp_path / "docs" / "index.html").is_file()


def as_text(rows: list[dict[str, Any]]) -> Any:
    """Days as text, as they are shown and kept."""
    return json.loads(json.dumps(rows, default=str))
