"""The dbt project: one invocation builds and tests every model."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from orchestration.assets.pictures import failures, keep_failures
from orchestration.assets.publication import FRESH
from orchestration.assets.retries import again
from orchestration.assets.tables import describe
from orchestration.instance.progress import tell
from orchestration.resources import Home
from orchestration.warehouse import lineage
from orchestration.warehouse.dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets
from orchestration.warehouse.dbt import (
    PRODUCTION,
    begin_build,
    environment,
    project,
    recall_parse,
    record_results,
    remember_compiled,
    remember_parse,
    why,
)
from orchestration.warehouse.load import write_lock
from serving.publish.keys import SCHEMAS

DBT_PROJECT = project()
NAMED, LOGGED_EVERY = 5, 100


class Translator(DagsterDbtTranslator):
    """dbt's models as the rest of the project names its assets."""

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str] | None:
        """Give the owners of a model."""
        return ["team:data-engineering"]

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        """Give the layer of a model as its group."""
        layer = dbt_resource_props["fqn"][1] if len(dbt_resource_props.get("fqn", ())) > 1 else dbt_resource_props["resource_type"]
        return {**super().get_tags(dbt_resource_props), "layer": layer}

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """Published models take the freshness policy of the release, since the same run makes both."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        is_read = spec.key.path[0] in SCHEMAS and manifest["nodes"].get(unique_id, {}).get("resource_type") == "model"
        return spec.replace_attributes(freshness_policy=FRESH) if is_read else spec

    def get_asset_check_spec(self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetCheckSpec | None:
        """Describe a dbt test as an asset check; dagster-dbt leaves the description empty."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec._replace(description=rule(manifest["nodes"][unique_id])) if spec else None


def rule(test: Mapping[str, Any]) -> str:
    """Say what a dbt test holds: the sentence a singular test begins with, or the arguments of a generic one."""
    if made_of := test.get("test_metadata"):
        told = {key: value for key, value in made_of["kwargs"].items() if key != "model"}
        return f"{made_of['name'].replace('_', ' ')}: {'; '.join(', '.join(value) if isinstance(value, list) else str(value) for value in told.values())}"
    sentence = re.search(r"^-- (.+)$", test["raw_code"], re.MULTILINE)
    return sentence[1] if sentence else ""


@dbt_assets(
    manifest=DBT_PROJECT.manifest_path,
    project=DBT_PROJECT,
    name="dbt",
    dagster_dbt_translator=Translator(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True, enable_code_references=True)),
)
def dbt_models(context: dg.AssetExecutionContext, dbt: DbtCliResource, home: Home) -> Iterator[Any]:
    """Build staging, intermediate, marts and serving; every dbt test shows as an asset check."""
    settings = home.settings
    os.environ.update(environment(settings))
    with write_lock(settings, f"dbt build (run {context.run.run_id})"):
        before = begin_build(settings, context.run.run_id)
        artifact = settings.workshop / "dbt" / "run_results.json"
        artifact.unlink(missing_ok=True)  # so that results found afterwards belong to this build
        recall_parse(artifact.parent)
        # In the home, not in the project: two homes do not disturb each other's partial parsing.
        invocation = dbt.cli(["build", *PRODUCTION], context=context, raise_on_error=False, target_path=settings.workshop / "dbt")
        # The warehouse cannot be read while dbt writes it, so table metadata is read when dbt is done.
        built: dict[dg.AssetKey, dg.Output[Any]] = {}
        checks: list[dg.AssetCheckResult] = []
        total, ended = len(context.selected_asset_keys) + len(context.selected_asset_check_keys), 0
        for event in invocation.stream():
            ended += isinstance(event, dg.Output | dg.AssetCheckResult)
            tell("models and tests", ended, total)
            if ended and ended % LOGGED_EVERY == 0:
                context.log.info(f"dbt: {ended} of {total} models and tests")
            if isinstance(event, dg.Output):
                built[context.assets_def.keys_by_output_name[event.output_name]] = event
            elif isinstance(event, dg.AssetCheckResult):
                checks.append(event)
            else:
                yield event
        remember_parse(artifact.parent)
        if not artifact.is_file() and (killed := -(invocation.process.returncode or 0)) > 0:
            raise again() from RuntimeError(f"dbt was killed (signal {killed}); the published release stays")
        if not artifact.is_file():
            raise dg.Failure(
                f"the published release stays, dbt did not get through: {why(str(invocation.get_error() or 'see its log'))}", allow_retries=False
            )
        run_results = json.loads(artifact.read_text())
        remember_compiled(settings, run_results)
        results = record_results(settings, run_results, before if context.is_subset else ())
        keep_failures(settings, context.run.run_id, results)
        rows = {result.check_id: result.rows for result in results}
        facts, made_of = describe(settings, [key.path for key in built], queries(run_results))
        lineage.keep(settings, made_of, afresh=not context.is_subset)
        for key, output in built.items():
            yield output.with_metadata({**output.metadata, **facts.get(tuple(key.path), {})})
        # A check refers to the table as it is when the check is reported: this build's, not the one before.
        for check in checks:
            yield check._replace(metadata={**(check.metadata or {}), **failures(rows.get(_test_name(check), ()))})
        if not invocation.is_successful():
            reasons = failed(run_results) or why(str(invocation.get_error()))
            raise dg.Failure(f"the published release stays, dbt build failed: {reasons}", allow_retries=False)
        if passed_over := sorted(key.to_user_string() for key in context.selected_asset_keys - built.keys()):
            raise dg.Failure(f"dbt ended well but did not build {', '.join(passed_over[:5])}", allow_retries=False)


def failed(run_results: Mapping[str, Any]) -> str:
    """Name the models and tests that failed, each with its reason in one line. Skipped nodes are left out."""
    rows = [row for row in run_results["results"] if row["status"] in ("fail", "error", "runtime error")]
    said = [f"{row['unique_id'].split('.')[2]}: {' '.join(str(row['message']).split())}" for row in rows[:NAMED]]
    return "; ".join(said) + (f"; and {len(rows) - NAMED} more" if len(rows) > NAMED else "")


def queries(run_results: Mapping[str, Any]) -> dict[tuple[str, ...], str]:
    """Give the compiled SQL of each model by (schema, table)."""
    return {
        tuple(part.strip('"') for part in row["relation_name"].split(".")[1:]): row["compiled_code"]
        for row in run_results["results"]
        if row["relation_name"] and row["compiled_code"]
    }


def _test_name(check: dg.AssetCheckResult) -> str:
    """Name of the dbt test behind a check, as dbt's results give it."""
    unique_id = (check.metadata or {}).get("unique_id")
    return str(unique_id.value).split(".")[2] if unique_id is not None else ""
