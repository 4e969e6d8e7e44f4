"""The keys of what is published, as the dbt project states and tests them beside its models; nothing else states them."""

from functools import cache
from pathlib import Path

import yaml

from ingest.settings import REPOSITORY

_MODELS = REPOSITORY / "dbt_project" / "models"


@cache
def published_keys(models: Path = _MODELS) -> dict[str, tuple[str, ...]]:
    """Give the key columns of each table of `marts` and `serving` that has a key, by `schema.table`."""
    return {
        f"{schema}.{model['name']}": tuple(test["unique_key"]["arguments"]["columns"])
        for schema in ("marts", "serving")
        for file in sorted((models / schema).rglob("*.yml"))
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", [])
        for test in model.get("data_tests", [])
        if "unique_key" in test
    }
