"""What Dagster's record of runs may forget. Which runs are old enough is decided elsewhere (`orchestration.home.tidy`).

Dagster deletes a run with everything it said, so that days of data which it marked as arrived would look as if they had never come. Here the
newest materialization of each asset and partition, and the newest result of each check, stay whatever their age.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from shutil import rmtree
from typing import Any

import dagster as dg
from dagster._core.events import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetEventTagsTable, SqlEventLogStorageTable
from dagster._serdes import deserialize_value, serialize_value
from sqlalchemy import Connection, Select, func, select

from ingest.settings import Settings
from orchestration.instance.event_log import BatchedSqliteEventLogStorage, slim

_EVENTS, _CHECKS, _TAGS = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c, AssetEventTagsTable.c
_MADE = _EVENTS.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION.value
# Fewer characters than any description of a table's columns has.
_LARGE = 4000
_PAGE = 500


@dataclass(frozen=True)
class Ended:
    """A run that is over: its id, and when it was made."""

    run_id: str
    at: datetime


def ended_runs(instance: dg.DagsterInstance) -> list[Ended]:
    """Give the runs that are over, newest first."""
    over = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    records = instance.get_run_records(dg.RunsFilter(statuses=over))
    return [Ended(record.dagster_run.run_id, record.create_timestamp.astimezone(UTC)) for record in records]


def forget_events(instance: dg.DagsterInstance, settings: Settings, run_ids: Sequence[str]) -> int:
    """Forget what runs logged; gives how many of them had logged anything. The newest state of assets, partitions and checks stays."""
    log, forgotten = _log(instance), 0
    if not run_ids:
        return 0
    with log.index_connection() as connection:
        newest = _newest(connection)
        results = _numbers(connection, select(func.max(_CHECKS.id)).group_by(_CHECKS.asset_key, _CHECKS.check_name))
    for run_id in run_ids:
        with log.index_connection() as connection:
            of_run = sorted(_numbers(connection, select(_EVENTS.id).where(_EVENTS.run_id == run_id)) - newest)
            for page in _pages(of_run):
                connection.execute(AssetEventTagsTable.delete().where(_TAGS.event_id.in_(page)))
                connection.execute(SqlEventLogStorageTable.delete().where(_EVENTS.id.in_(page)))
            of_checks = sorted(_numbers(connection, select(_CHECKS.id).where(_CHECKS.run_id == run_id)) - results)
            for page in _pages(of_checks):
                connection.execute(AssetCheckExecutionsTable.delete().where(_CHECKS.id.in_(page)))
        if isinstance(log, BatchedSqliteEventLogStorage):
            log.drop_file(run_id)  # again, where somebody looked at the run since: Dagster makes an empty one then
        rmtree(settings.dagster / "storage" / run_id, ignore_errors=True)  # what its steps printed
        forgotten += bool(of_run or of_checks)
    return forgotten


def forget_runs(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> int:
    """Forget the lines of runs whose events were forgotten before; gives how many."""
    for run_id in run_ids:
        instance.run_storage.delete_run(run_id)
    return len(run_ids)


def thin(instance: dg.DagsterInstance) -> int:
    """Leave what describes a table's columns in the newest materialization of each asset only; gives how many older ones had it."""
    with _log(instance).index_connection() as connection:
        newest = _newest(connection)
        large = connection.execute(select(_EVENTS.id, _EVENTS.event).where(_MADE, func.length(_EVENTS.event) > _LARGE)).all()
        thinned = 0
        for number, event in large:
            smaller = event if number in newest else serialize_value(slim(deserialize_value(str(event), EventLogEntry)))
            if smaller != event:
                connection.execute(SqlEventLogStorageTable.update().where(_EVENTS.id == number).values(event=smaller))
                thinned += 1
    return thinned


def compact(instance: dg.DagsterInstance) -> None:
    """Give the room of what was forgotten back to the disk; PostgreSQL does so by itself."""
    if isinstance(log := _log(instance), BatchedSqliteEventLogStorage):
        log.compact()


def _log(instance: dg.DagsterInstance) -> SqlEventLogStorage:
    """Give the log of this instance; the configurations shipped here (SQLite, PostgreSQL) are both SQL."""
    log = instance.event_log_storage
    if not isinstance(log, SqlEventLogStorage):
        raise TypeError(f"{type(log).__name__} is no log of events in SQL")
    return log


def _newest(connection: Connection) -> set[int]:
    return _numbers(connection, select(func.max(_EVENTS.id)).where(_MADE).group_by(_EVENTS.asset_key, _EVENTS.partition))


def _numbers(connection: Connection, asked: Select[Any]) -> set[int]:
    return {int(number) for number in connection.scalars(asked)}


def _pages(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + _PAGE] for start in range(0, len(numbers), _PAGE))
