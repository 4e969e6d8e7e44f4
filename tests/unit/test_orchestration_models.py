"""dbt's tests as Dagster sees them, from the manifest alone: what is missing here would run and be seen by nobody."""

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pytest
from dagster_dbt import dbt_assets

from orchestration.assets.models import DBT_PROJECT, Translator, dbt_models


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return dict(json.loads(DBT_PROJECT.manifest_path.read_text()))


def dbt_tests(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "test"}


def unseen(manifest: Mapping[str, Any], assets: dg.AssetsDefinition) -> set[str]:
    """Tests that are no check of any asset."""
    return {node["name"] for node in dbt_tests(manifest).values()} - {spec.name for spec in assets.check_specs}


def test_every_dbt_test_is_an_asset_check(manifest: dict[str, Any]) -> None:
    assert len(dbt_tests(manifest)) > 100
    assert unseen(manifest, dbt_models) == set(), 'say whose check it is: {{ config(meta={"dagster": {"ref": {"name": "MODEL"}}}) }}'


def test_a_test_of_several_models_that_names_none_of_them_would_be_missed(manifest: dict[str, Any]) -> None:
    forgetful = copy.deepcopy(manifest)
    test = next(node for node in dbt_tests(forgetful).values() if "dagster" in node["config"]["meta"])
    test["meta"] = test["config"]["meta"] = {}

    @dbt_assets(manifest=forgetful, dagster_dbt_translator=Translator())
    def assets():
        yield

    assert unseen(forgetful, assets) == {test["name"]}


def test_a_check_hangs_on_a_model_that_its_test_reads(manifest: dict[str, Any]) -> None:
    """Else it would not run when the model does."""
    wrong = [
        node["name"]
        for node in dbt_tests(manifest).values()
        if (ref := node["config"]["meta"].get("dagster", {}).get("ref")) and f"model.alumina.{ref['name']}" not in node["depends_on"]["nodes"]
    ]
    assert wrong == []


def test_a_check_stops_what_comes_after_it_and_says_what_it_holds() -> None:
    specs = {spec.name: spec for spec in dbt_models.check_specs}
    assert [name for name, spec in specs.items() if not spec.blocking] == []
    assert [name for name, spec in specs.items() if not re.search(r"\w: \w|\.$", spec.description or "")] == []
    assert specs["assert_market_news_is_no_policy"].description == "A price report, however loud, has no intensity and is no document."
    assert specs["unique_key_dim_trading_day_trade_date"].description == "unique key: trade_date"
