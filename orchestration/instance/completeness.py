"""Was everything made that a run set out to make? A run can end green although assets were skipped."""

import dagster as dg
from dagster import DagsterEventType


def unmade(instance: dg.DagsterInstance, run_id: str) -> list[dg.AssetKey]:
    """Name the assets a run planned and has not materialized (yet)."""
    kinds = {DagsterEventType.ASSET_MATERIALIZATION_PLANNED: set[dg.AssetKey](), DagsterEventType.ASSET_MATERIALIZATION: set[dg.AssetKey]()}
    for entry in instance.all_logs(run_id, of_type=set(kinds)):
        event = entry.dagster_event
        if event is not None and event.asset_key is not None:
            kinds[event.event_type].add(event.asset_key)
    planned, made = kinds.values()
    return sorted(planned - made)
