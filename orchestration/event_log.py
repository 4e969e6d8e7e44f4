"""Dagster's event log in SQLite, with many partitions written in one transaction.

Dagster stores a run's event for each partition it covered. Its SQLite log writes each in transactions of its own, 9 ms apiece:
two years of days would take longer than building the warehouse. A batch takes half a millisecond an event. PostgreSQL's log
(production profile) needs nothing of this.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import dagster as dg
from dagster import _check as check
from dagster._core.events import ASSET_EVENTS, DagsterEvent, DagsterEventBatchMetadata, DagsterEventType, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData

_NUMBER = count()


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """SQLite's log whose batches are batches. What is not an asset's event takes Dagster's own way."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> "BatchedSqliteEventLogStorage":
        """Make the log of `dagster.yaml`; Dagster's own method would make its own class."""
        return cls(inst_data=inst_data, **config_value)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store asset events of one run together: its own log, then the index over all runs."""
        if not events or any(event.get_dagster_event().event_type not in ASSET_EVENTS for event in events if event.is_dagster_event):
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        with self.index_transaction() as connection:
            ids = [check.not_none(connection.execute(self.prepare_insert_event(event)).inserted_primary_key)[0] for event in events]
            self._store_asset_event_tags(connection, events, ids)
            self._store_asset_event(connection, events[-1], ids[-1])


def report_partitions(context: dg.AssetExecutionContext, key: dg.AssetKey, partitions: dict[str, dict[str, Any]]) -> None:
    """Say that this run covered partitions of another asset; metadata by partition key."""
    batch, last = f"{context.run.run_id}-{key.to_user_string()}-{next(_NUMBER)}", len(partitions) - 1
    for place, (partition, metadata) in enumerate(sorted(partitions.items())):
        event = DagsterEvent(
            event_type_value=DagsterEventType.ASSET_MATERIALIZATION.value,
            job_name=context.run.job_name,
            step_key=context.get_step_execution_context().step.key,
            event_specific_data=StepMaterializationData(dg.AssetMaterialization(key, partition=partition, metadata=metadata)),
        )
        context.instance.report_dagster_event(event, context.run.run_id, batch_metadata=DagsterEventBatchMetadata(batch, place == last))
