"""Schemas, keys, references and reading order of the published tables, as the dbt project declares them. No other module declares them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ingest.settings import REPOSITORY

_MODELS = REPOSITORY / "dbt_project" / "models"

SCHEMAS = ("desk", "serving", "marts", "technical")
"""Published schemas in the order a reader meets them."""
_TECHNICAL = frozenset({"payloads", "quality_results", "claim_facts"})
"""Tables of `serving` that say how a release came about; a view stands where they were."""


def published_schema(schema: str, table: str) -> str:
    """Give the schema a release holds a table in."""
    return "technical" if schema == "serving" and table in _TECHNICAL else schema


@dataclass(frozen=True)
class Reference:
    """Columns of a table whose values stand in the key of another table of the same schema."""

    columns: tuple[str, ...]
    table: str
    to_columns: tuple[str, ...]


@cache
def published_keys(models: Path = _MODELS) -> dict[str, tuple[str, ...]]:
    """Give the key columns of each published table that has a key, by `schema.table`.

    A key is stated by the test `unique_key`, or by the constraint `primary_key` where the release itself holds the table to it.
    """
    tested = {
        name: tuple(test["unique_key"]["arguments"]["columns"])
        for name, model in _stated(models)
        for test in model.get("data_tests", [])
        if "unique_key" in test
    }
    declared = {
        name: tuple(constraint["columns"])
        for name, model in _stated(models)
        for constraint in model.get("constraints", [])
        if constraint["type"] == "primary_key"
    }
    return tested | declared


@cache
def references(models: Path = _MODELS) -> dict[str, tuple[Reference, ...]]:
    """Give what each published table refers to, by `schema.table`, from the constraints `foreign_key`."""
    found = {
        name: tuple(
            Reference(tuple(row["columns"]), f"{name.split('.')[0]}.{row['to'].split(chr(39))[1]}", tuple(row["to_columns"]))
            for row in model.get("constraints", [])
            if row["type"] == "foreign_key"
        )
        for name, model in _stated(models)
    }
    return {name: told for name, told in found.items() if told}


@cache
def reading_order(models: Path = _MODELS) -> tuple[str, ...]:
    """Give the published models, `schema.table`, in the order to read them: by schema, and as their files state them."""
    return tuple(name for name, _ in _stated(models))


@cache
def _stated(models: Path) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Give each published model and what its file states of it; four questions of a run are answered from one reading, in C: 0.7 s less."""
    return tuple(
        (f"{published_schema(schema, model['name'])}.{model['name']}", model)
        for schema in SCHEMAS
        for file in sorted((models / schema).rglob("*.yml"))
        for model in yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader).get("models", [])
    )
