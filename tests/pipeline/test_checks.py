"""Every check can fail: a copy of a built warehouse is broken in many places, and each dbt test must find its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.settings import REPOSITORY, Settings
from orchestration.assets.pictures import failures, keep_failures
from orchestration.warehouse.dbt import environment, recall_parse, record_results
from quality.gate import GATES, run_gate
from serving.publish.keys import published_keys
from serving.publish.release import ranges
from tests.pipeline.conftest import Built

DBT = Path(sys.executable).with_name("alumina-dbt")
PROJECT = REPOSITORY / "dbt_project"
# What breaks a test that is written for this project; generic tests are broken by what they are.
BREAKS = {
    "assert_premium_is_the_negative_of_basis": "update marts.fct_basis_daily set premium_cny_t = premium_cny_t + 1",
    "assert_contributions_add_up_to_the_score": "update marts.fct_sentiment_daily set score = coalesce(score, 0.0) + 1.0",
    "assert_changes_add_up_to_the_change_of_the_score": "update serving.outlook_changes set change_calendar = change_calendar + 1.0",
    "assert_no_stance_without_a_valid_basis": "update serving.outlook_v2 set stance = 1 where status = 'rejected'",
    "assert_a_copy_of_the_index_is_no_port_price": "update marts.fct_import_parity_daily set vendor_null_reason = 'broken'",
    "assert_a_curve_has_one_shape_or_a_reason": "update marts.fct_term_structure_daily set shape = null, null_reason = null",
    "assert_a_level_breaks_above_its_20_sessions_only": "update marts.fct_price_levels set broken_session = 'day'",
    "assert_a_missing_return_has_a_reason": "update marts.fct_futures_daily set ret_cc_1d_pct = null, null_reason = null",
    "assert_a_receipts_figure_that_is_missing_has_its_reason": "update marts.fct_receipts_daily set null_reason = null",
    "assert_a_surplus_is_of_one_provider": "update marts.fct_supply_demand set provider = 'another'",
    "assert_an_intraday_file_is_never_taken_for_the_settled_one": "update marts.fct_futures_daily set is_final = not is_final",
    "assert_each_roll_hands_over_to_another_contract_once": "update marts.fct_contract_rolls set to_contract = from_contract",
    "assert_every_missing_fundamental_has_its_reason": "update intermediate.int_fundamentals__known set margin_pct = null, null_reasons = ''",
    "assert_fundamentals_of_a_day_were_known_at_its_decision": "update marts.fct_margin_daily set available_at = available_at + interval 30 hour",
    "assert_growth_stays_inside_one_customs_code": "update marts.fct_trade_balance_monthly set yoy_pct = 1.0",
    "assert_margin_equals_spot_minus_cost": "update marts.fct_margin_daily set profit_cny_t = profit_cny_t + 1",
    "assert_market_news_is_no_policy": "update marts.fct_policy_events set intensity = 1.0",
    "assert_net_carry_is_gross_less_carry_and_vat": "update marts.fct_carry_daily set net_cny_t = net_cny_t + 1",
    "assert_no_policy_or_news_is_used_before_it_was_available": (
        "update intermediate.int_policy__known set policy_available_at = policy_available_at + interval 3000 hour"
    ),
    "assert_partners_add_up_to_the_total": "update marts.fct_trade_balance_monthly set qty_t = qty_t + 1 where partner_code = 'all'",
    "assert_quadrants_agree_with_price_and_open_interest": "update marts.fct_positioning_daily set quadrant = 'long_build'",
    "assert_regional_shares_of_receipts_add_up_to_one": "update marts.fct_receipts_warehouse_daily set region_share_ratio = region_share_ratio / 2",
    "assert_the_denominator_was_known_with_its_print": "update marts.fct_capacity set capacity_built_kt_a = capacity_built_kt_a + 1",
    "assert_no_fact_is_used_before_it_was_available": "update marts.fct_futures_daily set available_at = available_at + interval 9 hour",
    "assert_one_dominant_contract_and_no_way_back": "update marts.fct_futures_daily set is_dominant = true",
    "assert_total_receipts_count_every_warehouse_once": "update marts.fct_receipts_daily set receipts_t = receipts_t + 1",
    "assert_each_board_has_one_row_per_rank": "insert into raw.shfe__member_ranking select * from raw.shfe__member_ranking",
}


def dbt(home: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run dbt on the warehouse of a home; gives the process and its run results."""
    settings = Settings(home=home)
    recall_parse(home / "dbt_test")
    command = [str(DBT), *arguments, "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(home / "dbt_test")]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ | environment(settings), capture_output=True, text=True, check=False)
    return done, json.loads((home / "dbt_test" / "run_results.json").read_text())


def _break(con: duckdb.DuckDBPyConnection, nodes: list[dict[str, Any]]) -> None:
    tables = con.execute("select schema_name, table_name from duckdb_tables() where table_name <> '_lake_batches'").fetchall()
    for schema, table in tables:  # without the constraints of a contract
        con.execute(f'create or replace table {schema}."{table}" as select * from {schema}."{table}"')
    for name, sql in BREAKS.items():
        if name in {node["name"] for node in nodes}:
            con.execute(sql)
    for schema, table in tables:
        con.execute(f'insert into {schema}."{table}" select * from {schema}."{table}"')
        con.execute(f'insert into {schema}."{table}" by name select null as "{_column(con, schema, table)}"')
    for node in nodes:
        test = node.get("test_metadata") or {}
        if test.get("name") == "accepted_values":
            schema, table = _table(node)
            con.execute(f'update {schema}."{table}" set "{test["kwargs"]["column_name"]}" = \'broken\'')


def _column(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> str:
    return str(
        con.execute("select column_name from duckdb_columns() where schema_name = ? and table_name = ? limit 1", [schema, table]).fetchall()[0][0]
    )


def _table(node: dict[str, Any]) -> tuple[str, str]:
    unique_id = (node.get("attached_node") or node["depends_on"]["nodes"][0]).split(".")
    table = unique_id[-1]
    if unique_id[0] == "source" or table.startswith("stg_"):
        return "raw", table.removeprefix("stg_")
    return next(path.relative_to(PROJECT).parts[1] for path in PROJECT.glob(f"models/**/{table}.sql")), table


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, sixty_sessions: Built) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """A home whose warehouse is broken everywhere, what dbt says of it, and the manifest."""
    home = tmp_path_factory.mktemp("broken")
    shutil.copy(sixty_sessions.home / "warehouse.duckdb", home)
    manifest = json.loads((sixty_sessions.home / "dbt" / "manifest.json").read_text())
    with duckdb.connect(str(home / "warehouse.duckdb")) as con:
        _break(con, [node for node in manifest["nodes"].values() if node["resource_type"] == "test"])
    _, results = dbt(home, "test", "--exclude-resource-type", "unit_test")
    return home, results, manifest


def test_every_dbt_test_finds_what_it_is_for(broken: tuple[Path, dict[str, Any], dict[str, Any]]) -> None:
    _, results, manifest = broken
    tests = {name for name, node in manifest["nodes"].items() if node["resource_type"] == "test"}
    assert {row["unique_id"] for row in results["results"]} == tests
    assert [row["unique_id"] for row in results["results"] if row["status"] not in ("fail", "warn")] == []


def test_the_rows_that_broke_a_check_are_shown_and_kept(broken: tuple[Path, dict[str, Any], dict[str, Any]]) -> None:
    home, results, _ = broken
    settings = Settings(home=home)
    kept = {result.check_id: result for result in record_results(settings, results)}
    found = kept["assert_premium_is_the_negative_of_basis"]
    assert found.result == "fail"
    assert found.rows
    shown = str(failures(found.rows)["failing_rows"].value)
    assert shown.splitlines()[0].startswith("| commodity_code")
    keep_failures(settings, "run-7", kept.values())
    lines = [json.loads(line) for line in (home / "failures" / "run-7.jsonl").read_text().splitlines()]
    assert {line["check"] for line in lines} == {name for name, result in kept.items() if result.result == "fail" and result.rows}


def test_every_gated_table_has_a_gate_that_fails(broken: tuple[Path, dict[str, Any], dict[str, Any]], tmp_path: Path) -> None:
    home, _, _ = broken
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as con:
        frames = {name: con.sql(f"select * from {name}").pl().to_pandas() for name in GATES}
        bounds = ranges(con).to_pandas()
    results = run_gate(frames, published_keys(), tmp_path / "docs", bounds)
    assert {result.table for result in results if not result.passed} == set(GATES)
    duplicates = next(result for result in results if result.table == "marts.fct_receipts_daily" and "unique" in result.check)
    assert not duplicates.passed
    assert duplicates.rows[0].keys() >= {"commodity_code", "trade_date"}


def test_a_build_leaves_dbts_unit_tests_to_the_test_suite(sixty_sessions: Built) -> None:
    ran = json.loads((sixty_sessions.home / "dbt" / "run_results.json").read_text())["results"]
    assert [row["unique_id"] for row in ran if row["unique_id"].startswith("unit_test")] == []
