"""The dbt project: one invocation builds and tests every model."""

import os
import threading
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from orchestration.dbt import PRODUCTION, environment, project, record_results
from orchestration.resources import Home
from orchestration.warehouse import write_lock

DBT_PROJECT = project()


@dbt_assets(
    manifest=DBT_PROJECT.manifest_path,
    project=DBT_PROJECT,
    name="dbt",
    dagster_dbt_translator=DagsterDbtTranslator(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True, enable_code_references=True)),
)
def dbt_models(context: dg.AssetExecutionContext, dbt: DbtCliResource, home: Home) -> Iterator[Any]:
    """Build staging, intermediate, marts and serving; every dbt test shows as an asset check."""
    settings = home.settings
    os.environ.update(environment(settings))
    # The gate needs Great Expectations, whose import takes as long as dbt does; the machine's other core does it meanwhile.
    threading.Thread(target=_import_gate, daemon=True).start()
    with write_lock(settings, f"dbt build (run {context.run_id})"):
        # In the home, not in the project: two homes do not disturb each other's partial parsing.
        invocation = dbt.cli(["build", *PRODUCTION], context=context, raise_on_error=False, target_path=settings.workshop / "dbt")
        yield from invocation.stream()
        record_results(settings, invocation.get_artifact("run_results.json"))
        if not invocation.is_successful():
            raise dg.Failure(f"dbt build failed: {invocation.get_error() or 'see the failed models and checks above'}", allow_retries=False)


def _import_gate() -> None:
    import great_expectations  # noqa: F401
