"""dagster-dbt as this project uses it: it reads a manifest and starts dbt, and never loads dbt into its own process.

Where dbt cannot be imported, dagster-dbt goes by the manifest alone (`dagster_dbt.compat`, made for dbt Fusion): all nodes are selected,
and the states of nodes are its own words, which are those of dbt. Loading dbt to learn the same takes 1.5 s of processor time before
every run, half of what all definitions take. Everything of ours imports dagster-dbt from here.
"""

import sys

# None in `sys.modules` is how Python is told that a module cannot be imported. Who has loaded dbt before keeps it.
_is_hidden = sys.modules.setdefault("dbt", None) is None  # type: ignore[arg-type]
try:
    from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, DbtProject, dbt_assets
finally:
    if _is_hidden:
        del sys.modules["dbt"]

__all__ = ["DagsterDbtTranslator", "DagsterDbtTranslatorSettings", "DbtCliResource", "DbtProject", "dbt_assets"]
