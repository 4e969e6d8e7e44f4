"""The working warehouse: who may write it, and how `raw` follows the lake.

The statements here move rows and never give them meaning; that is dbt's. Nothing else in Python opens the working file
for writing, and everything that does holds the same lock, across processes.
"""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import duckdb
import polars as pl
from filelock import FileLock, Timeout

from ingest.archive import Archive
from ingest.files import is_free as lock_is_free
from ingest.files import write_atomic
from ingest.lake import Batch, Lake
from ingest.notes import write_note
from ingest.settings import Settings
from ingest.source import SHANGHAI, HomeError
from quality.fields import FIELDS
from quality.raw import TABLES, RawTable
from serving.read import has_rotted, held_elsewhere
from serving.research.panel.model_file import VERSION, Model, read_model

_REMAKE = "it can be made again from the archive: alumina rebuild"
# Errors of a home this user may only read.
READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}


class WarehouseError(HomeError):
    """The working warehouse cannot be used; the message says why and what to do."""


class WarehouseBusyError(WarehouseError):
    """Another process is writing the warehouse."""


@contextmanager
def write_lock(settings: Settings, what: str) -> Iterator[None]:
    """Hold the write lock of this home. After `lock_wait_seconds` it raises WarehouseBusyError, which names the holder."""
    note = settings.workshop / "warehouse.holder.json"
    settings.workshop.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.workshop / "warehouse.lock", timeout=settings.lock_wait_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise WarehouseBusyError(f"the warehouse in {settings.root} is being written by {holder(settings)}; try again when it is done") from None
    try:
        facts = {"what": what, "pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        try:
            write_atomic(note, json.dumps(facts).encode(), durable=False)
        except OSError:  # a full disk: the lock holds without a note, and who wants to delete releases must get in
            note.unlink(missing_ok=True)
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def half_a_lake(settings: Settings) -> str:
    """Say that the lake holds a part of the archive only; empty where it holds all of it."""
    why = "the lake holds a part of the archive only, since a rebuild is at work or was cut off, or the home was restored"
    return f"{why}; if none is at work: alumina rebuild" if settings.rebuilding.exists() else ""


def begin_anew(settings: Settings, **why: Any) -> None:
    """Note that the lake is about to be made anew, with what is to be done before: until the archive is in it again no other run takes anything in or publishes."""
    write_note(settings.rebuilding, {"since": datetime.now(UTC).isoformat(timespec="seconds"), **why})


def holder(settings: Settings) -> str:
    """Say who writes the warehouse, as far as it can be told."""
    try:
        facts = json.loads((settings.workshop / "warehouse.holder.json").read_text())
        since = datetime.fromisoformat(facts["since"]).astimezone(SHANGHAI)
        return f"{facts['what']} (process {facts['pid']}, since {since:%Y-%m-%d %H:%M} Asia/Shanghai)"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def is_free(settings: Settings) -> bool | None:
    """Tell whether nobody writes the warehouse; None where this user may not write the home and so cannot try its lock."""
    try:
        return lock_is_free(settings.workshop / "warehouse.lock")
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
        return None


def load_raw(settings: Settings) -> dict[str, int]:
    """Bring `raw` up to what lake and archive hold, in one transaction. Gives the rows of each raw table.

    Facts are appended (a payload parsed anew replaces its own rows); configuration and the fetch log hold their
    newest state, the fitted model that of the home. Raises LakeError when a committed file has changed on disk, WarehouseBusyError when a reader holds the file.
    """
    lake, batches = Lake(settings.lake), list(Lake(settings.lake).batches())
    with connect(settings) as con:
        con.execute("begin")
        con.execute("create schema if not exists raw")
        con.execute("create table if not exists raw._lake_batches (table_name varchar, batch_id varchar)")
        held = _columns(con)
        for table in TABLES.values():
            _ensure(con, table, held.get(table.name, []))
            if (frame := beside_the_lake(settings, table)) is not None:
                _replace(con, table, frame)
            else:
                _follow(con, table, lake, batches)
        con.execute("commit")
        return {name: con.execute(f'select count(*) from raw."{name}"').fetchall()[0][0] for name in TABLES}


@contextmanager
def connect(settings: Settings, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the working warehouse with the project's settings; raises WarehouseBusyError when another program has it open, WarehouseError for a file that is no database."""
    try:
        con = duckdb.connect(str(settings.warehouse), read_only=read_only, config=settings.duckdb)
    except duckdb.Error as error:
        if not held_elsewhere(error):
            why = str(error).splitlines()[0]
            raise WarehouseError(f"{settings.warehouse} cannot be opened ({why}); {_REMAKE}") from None
        raise WarehouseBusyError(
            f"{settings.warehouse} is open in another program; close it there (readers should open {settings.serving}/alumina.duckdb instead)"
        ) from None
    try:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        yield con
    except duckdb.Error as error:
        if not has_rotted(error):
            raise
        raise WarehouseError(f"{settings.warehouse} has changed on disk ({str(error).splitlines()[0]}); {_REMAKE}") from None
    finally:
        con.close()


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str]]]:
    """Give name and type of each column of the raw tables; asked once, since the answer lists every column of the warehouse."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table, name, kind in con.execute(
        "select table_name, column_name, data_type from duckdb_columns() where database_name = current_database() and schema_name = 'raw' order by table_name, column_index"
    ).fetchall():
        found.setdefault(table, []).append((name, kind))
    return found


def _ensure(con: duckdb.DuckDBPyConnection, table: RawTable, found: list[tuple[str, str]]) -> None:
    """Create the table, or make it anew when its columns have changed since: the lake holds its rows."""
    wanted = [(name, str(FIELDS[name].kind)) for name in table.stored_schema]
    if found != wanted:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in wanted)
        con.execute(f'drop table if exists raw."{table.name}" cascade')
        con.execute(f'create table raw."{table.name}" ({columns})')
        con.execute("delete from raw._lake_batches where table_name = ?", [table.name])


def _follow(con: duckdb.DuckDBPyConnection, table: RawTable, lake: Lake, batches: list[Batch]) -> None:
    """Apply to one table the batches it has not seen: a batch's payloads have exactly the rows of its files, also when those are none."""
    if table.replace:
        batches = [batch for batch in batches if any(TABLES[file.table].replace for file in batch.files)][-1:]
    seen = {batch for (batch,) in con.execute("select batch_id from raw._lake_batches where table_name = ?", [table.name]).fetchall()}
    is_another = bool(seen - {batch.batch_id for batch in batches})  # the lake was rebuilt: rows loaded from the one before are dropped
    seen = set() if is_another else seen
    fresh = [batch for batch in batches if batch.batch_id not in seen]
    if not fresh and not is_another:
        return
    if table.replace or is_another:
        con.execute(f'delete from raw."{table.name}"')
        con.execute("delete from raw._lake_batches where table_name = ?", [table.name])
    # A payload can be in two batches (a newer parser, two runs at once); the rows of the newest batch count.
    newest = {sha: batch.batch_id for batch in batches for sha in batch.payloads}
    held = {sha for batch in batches if batch.batch_id in seen for sha in batch.payloads}
    if again := sorted(held & {sha for batch in fresh for sha in batch.payloads}):
        con.execute(f'delete from raw."{table.name}" where payload_sha256 in (select unnest(?))', [again])
    owned = [
        (sha, path)
        for batch in fresh
        for path in [str(lake.verified(file)) for file in batch.files if file.table == table.name]
        for sha in batch.payloads
        if newest[sha] == batch.batch_id
    ]
    if owned:
        con.register("owned", pl.DataFrame(owned, schema={"sha": pl.String, "path": pl.String}, orient="row"))
        # What an older version of the code kept and this one does not is passed over: its payload is read anew by the next run.
        kept = ", ".join(f"'{name}'" for name in table.stored_schema)
        con.execute(
            f'insert into raw."{table.name}" by name select columns(lambda name: name in ({kept})) from (select files.* exclude (filename) '
            "from read_parquet(?, filename = true) as files inner join owned on files.payload_sha256 = owned.sha and files.filename = owned.path)",
            [sorted({path for _, path in owned})],
        )
        con.unregister("owned")
    if fresh:
        con.executemany("insert into raw._lake_batches values (?, ?)", [(table.name, batch.batch_id) for batch in fresh])


def beside_the_lake(settings: Settings, table: RawTable) -> pl.DataFrame | None:
    """Give a raw table that is not in the lake, whole; None for one that is.

    They are the fetch log of the archive, how far the models may know the world, and the fits of the home.
    """
    match table.name:
        case "ingest__receipts":
            return _receipts(table, Archive(settings.archive))
        case "ingest__horizon":
            return _horizon(table, settings.as_of)
        case "outlook__model":
            return _fits(table, read_model(settings.outlook_model))
        case _:
            return None


def _replace(con: duckdb.DuckDBPyConnection, table: RawTable, frame: pl.DataFrame) -> None:
    con.execute(f'delete from raw."{table.name}"')
    con.register("told", frame)
    con.execute(f'insert into raw."{table.name}" by name select * from told')
    con.unregister("told")


def _horizon(table: RawTable, as_of: datetime | None) -> pl.DataFrame:
    """One row, null in a normal build."""
    row = {
        "as_of": as_of,
        "payload_sha256": "",
        "source": "horizon",
        "fetched_at": as_of or datetime.fromtimestamp(0, UTC),
        "parser_version": "1",
        "data_origin": "config",
    }
    return pl.DataFrame([row], schema=table.stored_schema, orient="row")


def _fits(table: RawTable, model: Model | None) -> pl.DataFrame:
    """Give the fits of the home; none where nothing was fitted yet."""
    if model is None:
        return pl.DataFrame(schema=table.stored_schema)
    rows = [{"refit_date": row.refit_date, "horizon": row.horizon, "term": row.term, "model_value": row.value} for row in model.rows]
    return pl.DataFrame(rows, schema=table.schema, orient="row").with_columns(
        payload_sha256=pl.lit(model.sha256),
        source=pl.lit("outlook"),
        fetched_at=pl.lit(model.fitted_at),
        parser_version=pl.lit(VERSION),
        data_origin=pl.lit(str(model.data_origin)),
    )


def _receipts(table: RawTable, archive: Archive) -> pl.DataFrame:
    rows = [
        {name: getattr(receipt, name, None) for name in table.columns}
        | {"fetched_at": receipt.attempted_at, "outcome": str(receipt.outcome), "data_origin": str(receipt.data_origin), "parser_version": "1"}
        for receipt in archive.fetch_log()
    ]
    return pl.DataFrame(rows, schema=table.stored_schema)
