"""Dagster's event log in SQLite, with connections that stay open, many partitions written in one transaction, large metadata written once, and checks that stay as they were when a run does not reach them.

Dagster stores a run's event for each partition it covered. Its SQLite log writes each in transactions of its own, 9 ms apiece:
two years of days would take longer than building the warehouse. A batch takes half a millisecond an event. It also makes a new engine
for every statement, some 7,000 times a run, which takes longer than the statement. And it writes what describes a table's columns into the
log of the run, into the index over all runs and beside the asset, every run anew. PostgreSQL's log (production profile) needs nothing of this.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import _check as check
from dagster._core.event_api import EventHandlerFn
from dagster._core.events import ASSET_EVENTS, DagsterEvent, DagsterEventBatchMetadata, DagsterEventType, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.plan.outputs import StepOutputData
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log import SqliteEventLogStorage, SqlPollingEventWatcher
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Dialect, Engine, create_engine, event, select
from sqlalchemy.pool import QueuePool

_NUMBER = count()
# One file a run, and the index over all runs: who looks at many runs does not keep them all open.
FILES_OPEN = 8
_BROKEN_OFF = (DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_CANCELED)
# What describes a table and not the run that made it: nine tenths of what a run logs. The asset's page has it, the run's own log does not.
_OF_THE_TABLE = (dg.TableSchemaMetadataValue, dg.TableColumnLineageMetadataValue, dg.CodeReferencesMetadataValue)
_PICTURES = ("preview", "chart")


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """SQLite's log whose batches are batches and whose files stay open. What is not an asset's event takes Dagster's own way."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables: set[str] = set()
        self._watcher: SqlPollingEventWatcher | None = None
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> "BatchedSqliteEventLogStorage":
        """Make the log of `dagster.yaml`; Dagster's own method would make its own class."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """Give a transaction on one file; like Dagster's own, one at a time."""
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            if len(self._engines) >= FILES_OPEN:
                self._engines.popitem(last=False)[1].dispose()
            waiting = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
            self._engines[shard] = create_engine(self.conn_string_for_shard(shard), poolclass=QueuePool, connect_args=waiting)
            event.listen(self._engines[shard], "connect", _relax)
        self._engines.move_to_end(shard)
        return self._engines[shard]

    def has_table(self, table_name: str) -> bool:
        """Say whether there is such a table; one that was there once still is."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        """Tell of a run's events as they come, by asking: what Dagster watches instead is the file, and while it is open only its log grows."""
        self._watcher = self._watcher or SqlPollingEventWatcher(self)
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: EventHandlerFn) -> None:
        """Tell no more."""
        if self._watcher:
            self._watcher.unwatch_run(run_id, handler)

    def wipe(self) -> None:
        """Delete everything; the files are closed before."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Ask no more, and close the files."""
        if self._watcher:
            self._watcher.close()
            self._watcher = None
        self._close()
        super().dispose()

    def _close(self) -> None:
        self._tables.clear()
        while self._engines:
            self._engines.popitem()[1].dispose()

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event; with the last of a run that failed, the checks and assets it did not reach are as they were before it.

        Dagster counts as failed whatever was planned and not reached, and one typo would paint the board red.
        """
        if event.dagster_event_type is DagsterEventType.ASSET_MATERIALIZATION:
            self.store_event_batch([event])
            return
        super().store_event(slim(event))
        if event.dagster_event_type in _BROKEN_OFF:
            planned = AssetCheckExecutionsTable.c.execution_status == AssetCheckExecutionRecordStatus.PLANNED.value
            with self.index_transaction() as connection:
                connection.execute(AssetCheckExecutionsTable.delete().where(AssetCheckExecutionsTable.c.run_id == event.run_id, planned))
            self._leave_unreached(event.run_id)

    def _leave_unreached(self, run_id: str) -> None:
        """Give the assets of steps that never began back to the run that made them last."""
        log, index = SqlEventLogStorageTable.c, AssetKeyTable.c
        with self.run_connection(run_id) as connection:
            begun = list(connection.scalars(select(log.step_key).where(log.dagster_event_type == DagsterEventType.STEP_START.value)))
        with self.index_transaction() as connection:
            planned = DagsterEventType.ASSET_MATERIALIZATION_PLANNED.value
            unreached = select(log.asset_key).where(log.run_id == run_id, log.dagster_event_type == planned, log.step_key.not_in(begun))
            made = log.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION.value
            by = select(log.run_id).where(log.asset_key == index.asset_key, made).order_by(log.id.desc()).limit(1).scalar_subquery()
            connection.execute(AssetKeyTable.update().where(index.last_run_id == run_id, index.asset_key.in_(unreached)).values(last_run_id=by))

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store asset events of one run together: its own log, then the index over all runs."""
        if not events or any(entry.get_dagster_event().event_type not in ASSET_EVENTS for entry in events if entry.is_dagster_event):
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(slim(entry)) for entry in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        with self.index_transaction() as connection:
            ids = [check.not_none(connection.execute(self.prepare_insert_event(entry)).inserted_primary_key)[0] for entry in events]
            self._store_asset_event_tags(connection, events, ids)
            # The index keeps the last event of each asset; what a run plans comes as one batch of many assets.
            newest = {entry.get_dagster_event().asset_key: (entry, place) for entry, place in zip(events, ids, strict=True)}
            for entry, place in newest.values():
                self._store_asset_event(connection, entry, place)

    def drop_file(self, run_id: str) -> None:
        """Delete the log of a run, its index apart."""
        with self._db_lock:
            if engine := self._engines.pop(run_id, None):
                engine.dispose()
            self._initialized_dbs.discard(run_id)
            path = Path(self.path_for_shard(run_id))
            for part in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                part.unlink(missing_ok=True)

    def compact(self) -> None:
        """Give free pages of the index back to the disk. Raises OperationalError where another process reads it just then."""
        with self._db_lock, self._engine(INDEX_SHARD_NAME).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("vacuum")
            connection.exec_driver_sql("pragma wal_checkpoint(truncate)")


def slim(entry: EventLogEntry) -> EventLogEntry:
    """Give a materialization, or the output of its step, without what describes its table rather than the run that made it; every other event as it is."""
    told = entry.dagster_event
    data: Any = told.event_specific_data if told else None
    if isinstance(data, StepMaterializationData):
        kept = _of_the_run(made := data.materialization.metadata)
        smaller: Any = data._replace(materialization=data.materialization.with_metadata(kept))
    elif isinstance(data, StepOutputData):
        kept = _of_the_run(made := data.metadata)
        smaller = data._replace(metadata=kept)
    else:
        return entry
    return entry if told is None or len(kept) == len(made) else entry._replace(dagster_event=told._replace(event_specific_data=smaller))


def _of_the_run(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name not in _PICTURES and not isinstance(value, _OF_THE_TABLE)}


@event.listens_for(Engine, "do_connect")
def _make_file(dialect: Dialect, _: object, where: Sequence[str], __: object) -> None:
    """Make a file of SQLite's before SQLite does, so that it has the rights of every other new file. SQLite's own have mode 0644 whatever the umask.

    What SQLite puts beside it (-wal, -shm, -journal) takes the mode of the file it belongs to. So who of a group dies in the middle of a run, or
    leaves a UI open, locks nobody out. This is for all of Dagster's files, also those of runs without a name (`.db`, events that belong to no run).
    """
    if dialect.name == "sqlite" and (path := Path(where[0])).is_absolute() and not path.exists():  # else it is in memory
        with suppress(OSError):  # SQLite says what is wrong
            path.touch()


def _relax(connection: Any, _: object) -> None:
    """Flush at checkpoints only: with the write-ahead log a power cut may cost the last events, never the file."""
    connection.execute("pragma synchronous = normal")


def report_partitions(context: dg.AssetExecutionContext, key: dg.AssetKey, partitions: dict[str, dict[str, Any]]) -> None:
    """Say that this run covered partitions of another asset; metadata by partition key."""
    batch, last = f"{context.run.run_id}-{key.to_user_string()}-{next(_NUMBER)}", len(partitions) - 1
    for place, (partition, metadata) in enumerate(sorted(partitions.items())):
        told = DagsterEvent(
            event_type_value=DagsterEventType.ASSET_MATERIALIZATION.value,
            job_name=context.run.job_name,
            step_key=context.get_step_execution_context().step.key,
            event_specific_data=StepMaterializationData(dg.AssetMaterialization(key, partition=partition, metadata=metadata)),
        )
        context.instance.report_dagster_event(told, context.run.run_id, batch_metadata=DagsterEventBatchMetadata(batch, place == last))


def mark_partitions(instance: dg.DagsterInstance, key: dg.AssetKey, partitions: dict[str, dict[str, Any]]) -> None:
    """Say that partitions came without a run; metadata by partition key."""
    for partition, metadata in sorted(partitions.items()):
        instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=partition, metadata=metadata))
