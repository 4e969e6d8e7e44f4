"""The jobs people press: one that does the whole day."""

import dagster as dg

daily = dg.define_asset_job(
    name="daily",
    selection=dg.AssetSelection.all(),
    description="Take everything in, build and test every model, publish. Running it again changes nothing but the log of attempts.",
    # One process: a step of its own for each asset costs three times the whole run.
    executor_def=dg.in_process_executor,
)
