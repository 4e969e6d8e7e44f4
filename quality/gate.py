"""The release gate: a Great Expectations audit of the tables a release is about to publish, with Data Docs.

It audits the copy that readers will open, not the working warehouse. Its rules are what a reader may rely on: keys, completeness,
value sets and bounds (from `quality.fields`). Great Expectations and pandas take seconds to import, so they are imported when the gate runs.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quality.fields import FIELDS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TableGate:
    """What must hold for one published table beside its key: columns never null, columns with few values, and fewest rows."""

    never_null: tuple[str, ...]
    value_sets: Mapping[str, tuple[Any, ...]]
    minimum_rows: int = 1


GATES: dict[str, TableGate] = {
    "serving.outlook_v2": TableGate(
        never_null=(
            "commodity_code", "as_of_date", "decision_at", "horizon", "profile", "direction", "coverage", "status", "stance_reason", "valid_until",
            "model_version", "inputs_hash", "data_origin", "disclaimer",
        ),
        value_sets={
            "horizon": ("short", "medium", "long"),
            "profile": ("exchange", "full"),
            "direction": ("up", "down", "sideways", "undecided"),
            "status": ("validated", "fallback", "draft", "rejected"),
            "call": (-2, -1, 0, 1, 2),
            "data_origin": ("sample", "files", "live"),
        },
    ),
    "serving.outlook_scenarios": TableGate(
        never_null=(
            "commodity_code", "as_of_date", "rule_id", "scenario", "if_text_en", "if_text_zh", "then_text_en", "then_text_zh", "invalidated_by_en",
            "invalidated_by_zh", "is_weakened", "data_origin",
        ),
        value_sets={"scenario_level": ("note", "watch", "alert")},
        minimum_rows=0,
    ),
    "marts.fct_futures_daily": TableGate(
        never_null=("commodity_code", "contract_code", "trade_date", "delivery_month", "available_at", "payload_sha256", "data_origin"),
        value_sets={"trend_state": ("up_strong", "down_strong", "none")},
    ),
    "marts.fct_receipts_daily": TableGate(
        # A total is null where one of its parts is unknown, and says why (quality.missing).
        never_null=("commodity_code", "trade_date", "available_at", "payload_sha256", "data_origin"),
        value_sets={},
        minimum_rows=0,
    ),
    "marts.fct_basis_daily": TableGate(
        never_null=("commodity_code", "trade_date", "futures_leg", "price_source", "spot_leg", "contract_code"),
        value_sets={"futures_leg": ("close", "settle", "t1130")},
        minimum_rows=0,
    ),
    "marts.fct_sentiment_daily": TableGate(
        never_null=("commodity_code", "as_of_date", "decision_at", "coverage", "config_version", "inputs_hash", "data_origin"),
        value_sets={},
    ),
    "serving.alerts": TableGate(
        never_null=("commodity_code", "rule_id", "alert", "rule_name", "rule_name_zh", "raised_date", "raised_at", "is_active", "data_origin"),
        value_sets={},
        minimum_rows=0,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class GateResult:
    """One rule on one table, in words, with how many rows broke it and examples."""

    table: str
    check: str
    column: str | None
    passed: bool
    rows_failed: int
    message: str
    rows: tuple[dict[str, Any], ...] = ()
    """Key and value of the first rows that broke it."""


BOUNDED = "published_figures"
"""Name of the suite that checks every published number."""


def run_gate(frames: Mapping[str, "pd.DataFrame"], keys: Mapping[str, tuple[str, ...]], docs: Path, ranges: "pd.DataFrame") -> list[GateResult]:
    """Audit published tables (name -> frame, name -> key columns) and write Data Docs into `docs`.

    `ranges` tells of every published number what it may be and what it is, a row a column: table_name, column_name, lowest, highest,
    lowest_found, highest_found, rows_outside. Every gated table must be there; a missing one is a failed rule, not an exception.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx

    results = [
        GateResult(table, "table_is_published", None, False, 0, f"{table} is missing from the release") for table in GATES if table not in frames
    ]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    site: Any = {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.resolve())},
    }
    context.add_data_docs_site(site_name="release", site_config=site)
    source = context.data_sources.add_pandas("release")
    definitions = []
    for table, frame in frames.items():
        if table not in GATES:
            continue
        batch = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("all")
        suite = context.suites.add(gx.ExpectationSuite(name=table, expectations=_expectations(GATES[table], keys[table], list(frame.columns))))
        definitions.append((table, frame, context.validation_definitions.add(gx.ValidationDefinition(name=table, data=batch, suite=suite))))
    batch = source.add_dataframe_asset(BOUNDED).add_batch_definition_whole_dataframe("all")
    suite = context.suites.add(gx.ExpectationSuite(name=BOUNDED, expectations=_bounds()))
    bounded = context.validation_definitions.add(gx.ValidationDefinition(name=BOUNDED, data=batch, suite=suite))
    checkpoint = gx.Checkpoint(name=BOUNDED, validation_definitions=[bounded], result_format={"result_format": "SUMMARY"})
    outcome = checkpoint.run(batch_parameters={"dataframe": ranges})
    results.extend(_outside(ranges) or [_result(BOUNDED, result) for result in next(iter(outcome.run_results.values())).results])
    for table, frame, definition in definitions:
        checkpoint = gx.Checkpoint(
            name=table,
            validation_definitions=[definition],
            result_format={"result_format": "SUMMARY", "unexpected_index_column_names": list(keys[table])},
        )
        outcome = checkpoint.run(batch_parameters={"dataframe": frame})
        results.extend(_result(table, result) for result in next(iter(outcome.run_results.values())).results)
    context.build_data_docs()
    return results


def _expectations(gate: TableGate, key: tuple[str, ...], columns: list[str]) -> list[Any]:
    import great_expectations.expectations as gxe

    bounded = [FIELDS[name] for name in columns if name in FIELDS and (FIELDS[name].ge is not None or FIELDS[name].le is not None)]
    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=gate.minimum_rows),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=list(key)),
        *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in gate.never_null),
        *(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=list(values)) for name, values in gate.value_sets.items()),
        *(gxe.ExpectColumnValuesToBeBetween(column=field.name, min_value=field.ge, max_value=field.le) for field in bounded),
    ]


def _bounds() -> list[Any]:
    import great_expectations.expectations as gxe

    return [
        gxe.ExpectTableRowCountToBeBetween(min_value=1),
        gxe.ExpectColumnValuesToBeBetween(column="rows_outside", max_value=0),
    ]


def _outside(ranges: "pd.DataFrame") -> list[GateResult]:
    """Say for each column outside its bounds how far it goes, and what the bounds are."""
    return [
        GateResult(
            row["table_name"],
            "stays_inside_its_bounds",
            row["column_name"],
            False,
            int(row["rows_outside"]),
            f"{row['column_name']} goes from {row['lowest_found']:,.7g} to {row['highest_found']:,.7g}, in {row['rows_outside']} rows beyond "
            f"{row['lowest']:,.7g} to {row['highest']:,.7g}, between which it is believed (published.toml)",
        )
        for row in ranges.to_dict("records")
        if row["rows_outside"]
    ]


def _result(table: str, result: Any) -> GateResult:
    config = result.expectation_config
    column = config.kwargs.get("column")
    details = result.result or {}
    failed = int(details.get("unexpected_count") or 0)
    rows = () if result.success else tuple(details.get("partial_unexpected_index_list") or ())
    return GateResult(table, config.type, column, bool(result.success), failed, "" if result.success else _sentence(config, result), rows)


def _sentence(config: Any, result: Any) -> str:
    """Say in words which rule broke and show examples."""
    error = next(iter(result.exception_info.values()), None)
    if isinstance(error, dict) and error.get("exception_message"):
        return f"{config.type} could not be evaluated: {error['exception_message']}"
    details = result.result or {}
    if "min_value" in config.kwargs and "observed_value" in details and "column" not in config.kwargs:
        return f"the table has {details['observed_value']} rows, at least {config.kwargs['min_value']} are needed"
    subject = config.kwargs.get("column") or ", ".join(config.kwargs.get("column_list", []))
    rule = config.type.removeprefix("expect_").removeprefix("column_values_to_").removeprefix("compound_columns_to_").replace("_", " ")
    bounds = {name: config.kwargs[name] for name in ("min_value", "max_value", "value_set") if config.kwargs.get(name) is not None}
    examples = ", ".join(str(value) for value in details.get("partial_unexpected_list", [])[:3])
    return f"{subject} must {rule}{f' {bounds}' if bounds else ''}: {details.get('unexpected_count')} rows do not, e.g. {examples}"
