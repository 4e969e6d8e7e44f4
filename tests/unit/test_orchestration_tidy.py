"""Tidying deletes what retention.toml does not keep and nothing else: marks of arrived days, the newest state of assets and checks, and data stay."""

import errno
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from dagster._core.events import DagsterEvent, DagsterEventType, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.runs.schema import RunsTable

from ingest.catalog.documents import SHIPPED, load
from ingest.catalog.schemas import RetentionFile
from ingest.settings import Settings
from ingest.source import ConfigurationError
from orchestration.home import tidy as tidying
from orchestration.home.tidy import beyond, tidy
from orchestration.warehouse import compaction
from orchestration.warehouse.load import WarehouseError

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TABLE, CALENDAR = dg.AssetKey(["marts", "fct"]), dg.AssetKey(["arrivals", "shfe"])
SCHEMA = {"dagster/column_schema": dg.TableSchema([dg.TableColumn(f"column_{n}", "double", "what it means " * 9) for n in range(40)])}


def _told(run_id: str, at: datetime, kind: DagsterEventType, data: Any = None) -> EventLogEntry:
    event = DagsterEvent(kind.value, "daily", event_specific_data=data)
    return EventLogEntry(None, "info", "", run_id, at.timestamp(), None, "daily", event)


def _made(run_id: str, at: datetime, key: dg.AssetKey, partition: str | None = None, **metadata: Any) -> EventLogEntry:
    made = dg.AssetMaterialization(key, partition=partition, metadata=metadata)
    return _told(run_id, at, DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(made))


def _run(instance: dg.DagsterInstance, settings: Settings, number: int, at: datetime) -> str:
    """Record a run that made the table, marked a day and left a log."""
    run_id = f"run-{number}"
    instance.add_run(dg.DagsterRun("daily", run_id=run_id, status=dg.DagsterRunStatus.SUCCESS))
    for entry in (
        _told(run_id, at, DagsterEventType.RUN_START),
        _made(run_id, at, TABLE, rows=number, **SCHEMA),
        _made(run_id, at, CALENDAR, partition=f"{at:%Y-%m-%d}"),
        _told(run_id, at, DagsterEventType.RUN_SUCCESS),
    ):
        instance.event_log_storage.store_event(entry)
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(RunsTable.update().where(RunsTable.c.run_id == run_id).values(create_timestamp=at.replace(tzinfo=None)))
    for folder, ending in (("logs", "log"), ("failures", "jsonl")):
        path = settings.root / folder / f"{run_id}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("said")
        os.utime(path, (at.timestamp(), at.timestamp()))
    return run_id


def _keep(settings: Settings, **days: int) -> None:
    rows = "".join(f'[[keep]]\nof = "{of}"\ndays = {count}\nleast = 2\nlabel = "assumed"\nsource = "a test"\n' for of, count in days.items())
    settings.catalog_overlay.mkdir(parents=True, exist_ok=True)
    (settings.catalog_overlay / "retention.toml").write_text(
        f'{rows}[warehouse]\ncompact_beyond = 2.0\nlabel = "assumed"\nsource = "a test"\n', encoding="utf-8"
    )


def test_old_runs_lose_their_events_then_their_line_and_no_arrived_day_is_forgotten(instance: dg.DagsterInstance, settings: Settings) -> None:
    ids = [_run(instance, settings, number, NOW - timedelta(days=days)) for number, days in enumerate((300, 200, 50, 40, 2))]
    _keep(settings, runs=250, events=100, logs=100, failures=45)
    done = tidy(settings, instance, NOW)
    assert (done.runs, done.events, done.files) == (1, 2, 2 + 3)
    assert {run.run_id for run in instance.get_runs()} == set(ids[1:])
    assert [bool(instance.all_logs(run_id)) for run_id in ids] == [False, False, True, True, True]
    # Every day that was marked as arrived still is, and the table's page shows the newest run.
    assert len(instance.get_materialized_partitions(CALENDAR)) == len(ids)
    newest = instance.get_latest_materialization_event(TABLE)
    assert newest is not None
    assert newest.run_id == ids[-1]
    assert {path.name for path in (settings.root / "failures").iterdir()} == {"run-3.jsonl", "run-4.jsonl"}
    again = tidy(settings, instance, NOW)
    assert (again.runs, again.events, again.thinned, again.files, again.warehouse) == (0, 0, 0, 0, None)


def test_the_last_runs_stay_whatever_their_age_and_a_run_at_work_is_left_alone(instance: dg.DagsterInstance, settings: Settings) -> None:
    ids = [_run(instance, settings, number, NOW - timedelta(days=900 - number)) for number in range(3)]
    instance.add_run(dg.DagsterRun("daily", run_id="at-work", status=dg.DagsterRunStatus.STARTED))
    _keep(settings, runs=10, events=10, logs=10, failures=10)
    assert tidy(settings, instance, NOW).runs == 1
    assert {run.run_id for run in instance.get_runs()} == {*ids[1:], "at-work"}


def test_what_describes_a_table_is_written_once(instance: dg.DagsterInstance, settings: Settings) -> None:
    ids = [_run(instance, settings, number, NOW - timedelta(days=9 - number)) for number in range(4)]
    log = instance.event_log_storage
    name = "dagster/column_schema"

    def described() -> list[bool]:
        records = instance.fetch_materializations(TABLE, limit=10).records
        return [name in record.event_log_entry.asset_materialization.metadata for record in records]  # type: ignore[union-attr]

    of_runs = [entry for run_id in ids for entry in log.get_logs_for_run(run_id) if entry.asset_materialization]
    assert [name in entry.asset_materialization.metadata for entry in of_runs if entry.asset_materialization] == [False] * 8
    assert {"rows"} < {key for entry in of_runs if entry.asset_materialization for key in entry.asset_materialization.metadata} | {"any"}
    assert described() == [True] * 4
    assert tidy(settings, instance, NOW).thinned == 3
    assert described() == [True, False, False, False]
    # The asset's page reads this one.
    newest = instance.get_latest_materialization_event(TABLE)
    assert newest is not None
    assert newest.asset_materialization is not None
    assert newest.asset_materialization.metadata[name].value.columns[39].description == "what it means " * 9  # type: ignore[union-attr]


def test_a_real_run_logs_what_describes_a_table_in_the_index_alone(instance: dg.DagsterInstance) -> None:
    @dg.asset(key=TABLE)
    def fct() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"rows": 7, **SCHEMA})

    result = dg.materialize([fct], instance=instance)
    log = instance.event_log_storage
    with log.run_connection(result.run_id) as connection:  # type: ignore[attr-defined]
        events = [event for (event,) in connection.exec_driver_sql("select event from event_logs")]
    assert [event for event in events if "what it means" in event] == []
    assert [event for event in events if '"rows"' in event]
    assert TABLE in {record.asset_entry.asset_key for record in instance.get_asset_records([TABLE])}
    newest = instance.get_latest_materialization_event(TABLE)
    assert newest is not None
    assert newest.asset_materialization is not None
    assert "dagster/column_schema" in newest.asset_materialization.metadata


def test_the_record_gives_the_room_of_forgotten_runs_back(instance: dg.DagsterInstance, settings: Settings) -> None:
    for number in range(12):
        _run(instance, settings, number, NOW - timedelta(days=400 - number))
    _keep(settings, runs=10, events=10, logs=10, failures=10)
    index = settings.dagster / "history" / "runs" / "index.db"
    with sqlite3.connect(index) as other:
        other.execute("pragma wal_checkpoint(truncate)")
    other.close()
    before = index.stat().st_size
    done = tidy(settings, instance, NOW)
    assert index.stat().st_size < before
    assert done.bytes_freed > before - index.stat().st_size
    assert len(list(index.parent.glob("run-*.db"))) == 2


KILLED_AT_A_FILE = """
import os, signal, sys
from pathlib import Path
from ingest import files
files.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
files.write_atomic(Path(sys.argv[1]), b"half")
"""


def test_what_killed_writers_left_goes_after_a_day_and_files_of_the_operator_stay(instance: dg.DagsterInstance, settings: Settings) -> None:
    written = settings.archive / "blobs" / "ab" / "abcd"
    written.parent.mkdir(parents=True)
    subprocess.run([sys.executable, "-c", KILLED_AT_A_FILE, str(written)], check=False)
    (left,) = written.parent.iterdir()
    own = [settings.root / "inbox" / name for name in (".mine.tmp", ".our own notes.2024-25.tmp")]
    own[0].parent.mkdir()
    for path in own:
        path.write_text("mine")
        os.utime(path, (0, 0))
    at = datetime.fromtimestamp(left.stat().st_mtime, UTC)
    assert tidy(settings, instance, at + timedelta(hours=23)).files == 0, "its writer may be at work"
    done = tidy(settings, instance, at + timedelta(hours=25))
    assert (done.files, done.bytes_freed >= len("half")) == (1, True)
    assert not left.exists()
    assert all(path.exists() for path in own)


def test_what_may_not_be_deleted_is_passed_over_and_named(
    instance: dg.DagsterInstance, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        _run(instance, settings, number, NOW - timedelta(days=900 - number))
    unlink = Path.unlink

    def refused(path: Path, *, missing_ok: bool = False) -> None:
        if path.name == "run-0.log":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        unlink(path, missing_ok=missing_ok)

    _keep(settings, runs=10, events=10, logs=10, failures=10)
    monkeypatch.setattr(Path, "unlink", refused)
    assert tidy(settings, instance, NOW).files == 1
    assert "run-0.log may not be deleted: Permission denied" in caplog.text


def test_what_goes_by_itself_meanwhile_is_passed_over(instance: dg.DagsterInstance, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        _run(instance, settings, number, NOW - timedelta(days=900 - number))
    _keep(settings, runs=10, events=10, logs=10, failures=10)
    unlink, look = Path.unlink, tidying.beyond

    def vanishing(files: Any, keep: Any, *more: Any) -> list[Any]:
        if keep is not None and keep.of == "logs":
            unlink(settings.root / "logs" / "run-0.log")
        return look(files, keep, *more)

    monkeypatch.setattr(tidying, "beyond", vanishing)
    assert tidy(settings, instance, NOW).files == 2
    assert not list((settings.root / "logs").glob("run-0.log"))


def test_a_retention_file_that_is_wrong_deletes_nothing(instance: dg.DagsterInstance, settings: Settings) -> None:
    _run(instance, settings, 1, NOW - timedelta(days=4000))
    _keep(settings, runs=10, events=20)
    with pytest.raises(ConfigurationError, match="events are kept longer than the runs they belong to"):
        tidy(settings, instance, NOW)
    assert len(instance.get_runs()) == 1


def test_the_shipped_rules_keep_a_year_of_runs() -> None:
    keep = {row.of: row for row in load(RetentionFile).keep}
    assert set(keep) == {"runs", "events", "logs", "failures", "unfinished"}
    assert keep["runs"].days > 366
    assert (SHIPPED / "retention.toml").read_text(encoding="utf-8").startswith("#:schema ./schema/retention.json")


def test_only_what_is_both_old_and_many_goes() -> None:
    keep = load(RetentionFile).keep[0].model_copy(update={"days": 10, "least": 2})
    ages = [1, 5, 11, 12]
    assert beyond(ages, keep, NOW, lambda age: NOW - timedelta(days=age)) == [11, 12]
    assert beyond(ages, None, NOW, lambda age: NOW - timedelta(days=age)) == []


@pytest.fixture
def grown(settings: Settings) -> Settings:
    """A warehouse of which most is room that replaced tables left, with views on tables of another schema."""
    settings.root.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("create schema raw; create schema staging; create table raw.a as select range as i, md5(range::varchar) as s from range(200000)")
        con.execute("comment on column raw.a.i is 'a number'")
        con.execute('create view "warehouse"."staging"."z" as select * from "warehouse"."raw"."a"')
        con.execute('create view "warehouse"."staging"."b" as select i from "warehouse"."staging"."z"')
        con.execute("create table gone as select * from raw.a; insert into gone select * from raw.a; insert into gone select * from gone; checkpoint")
        con.execute("create table last as select 1 as one; checkpoint; drop table gone; checkpoint")
    return settings


def test_a_warehouse_that_has_grown_is_written_anew_and_holds_the_same(grown: Settings) -> None:
    found = compaction.size(grown)
    assert found is not None
    assert found.file > 2 * found.held
    done = compaction.compact(grown, 2.0)
    assert done is not None
    assert done[1] < done[0] / 2
    with duckdb.connect(str(grown.warehouse), read_only=True) as con:
        assert con.sql("select count(*), sum(i) from staging.b").fetchall() == [(200000, 199999 * 100000)]
        assert con.sql("select comment from duckdb_columns() where table_name = 'a' and column_name = 'i'").fetchall() == [("a number",)]
    assert compaction.compact(grown, 2.0) is None
    assert not list(grown.root.glob(".fresh*"))


def test_a_copy_that_lacks_rows_or_has_no_room_leaves_the_warehouse_as_it_is(grown: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = grown.warehouse.read_bytes()
    counted = compaction._rows
    monkeypatch.setattr(compaction, "_rows", lambda con, name: counted(con, name) if name == "warehouse" else {})
    with pytest.raises(WarehouseError, match="its copy does not hold the same rows"):
        compaction.compact(grown, 2.0)
    monkeypatch.undo()

    def full(_: Settings, fresh: Path) -> None:
        fresh.write_bytes(b"half")
        raise duckdb.IOException("no space left on device")

    monkeypatch.setattr(compaction, "_copy", full)
    with pytest.raises(WarehouseError, match="stays as it is, it could not be written anew: no space left"):
        compaction.compact(grown, 2.0)
    assert grown.warehouse.read_bytes() == before
    assert not list(grown.root.glob(".fresh*"))


def test_nobody_waits_for_a_warehouse_that_is_not_there(settings: Settings) -> None:
    assert compaction.size(settings) is None
    assert compaction.compact(settings, 2.0) is None


def test_a_file_that_goes_away_meanwhile_stops_nothing(instance: dg.DagsterInstance, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run at work opens and closes the log beside its record."""
    (settings.dagster / "history").mkdir(parents=True, exist_ok=True)
    going, real = settings.dagster / "history" / "index.db-journal", Path.is_file

    def is_file(path: Path) -> bool:
        found = real(path)
        if path == going:
            path.unlink(missing_ok=True)
        return found

    going.write_bytes(b"x")
    monkeypatch.setattr(Path, "is_file", is_file)
    assert tidy(settings, instance, NOW).files == 0
    assert not going.exists()
