"""Dropped files are taken in and moved to `archived/` or `refused/`, or tried out without leaving a trace.

Both use the path of every payload (`ingest.flow`). If a run ends between taking in and moving, the next run repairs it: the
file still lies in the inbox, the next run finds it unchanged and files it.
"""

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from ingest import reach
from ingest.archive import Archive, Attempt
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.flow import Report, ingest
from ingest.home import MixedHomeError
from ingest.inbox import LINE_CHARACTERS, Inbox, InboxError
from ingest.lake import Lake
from ingest.origins import FILE_LIMIT, InboxOrigin
from ingest.reach import SeriesRead
from ingest.settings import Settings
from ingest.source import ACCEPTED, Outcome, Source
from ingest.storable import storable
from quality.raw import TABLES


def inbox_of(settings: Settings) -> Inbox:
    """Give the inbox of a home."""
    return Inbox(settings.inbox, settings.inbox_settle_seconds, FILE_LIMIT)


def refuse_inbox(settings: Settings) -> None:
    """Raise MixedHomeError when files were dropped into a home of the sample."""
    if waiting := inbox_of(settings).entries():
        raise MixedHomeError(
            f"{settings.inbox} holds {len(waiting)} dropped files, but this run takes the sample, which is never mixed with real data; "
            "set ALUMINA_HOME to another folder and put the files into its inbox"
        )


def take_in(sources: Sequence[Source], known: Sequence[Source], settings: Settings, run_id: str) -> Report:
    """Take the inbox's files of these sources into archive and lake, then move each to the folder of its outcome."""
    inbox = inbox_of(settings)
    if not inbox.entries():
        return Report()
    with _only_one(settings):
        origin, lake, archive = InboxOrigin(inbox, known), Lake(settings.lake), Archive(settings.archive)
        configuration = Configuration(settings.catalog_overlay)
        report = ingest(sources, origin, archive, lake, run_id, limits=configuration.limits)
        held = {table: reach.held(lake, table) for source in sources for table in source.tables if table in reach.VENDOR_TABLES and origin.delivered}
        names = {attempt.request_name for attempt in archive.fetch_log()} if origin.delivered else set()
        for entry, attempt in zip(origin.delivered, report.fetch_log, strict=True):
            notes = notes_of(attempt, held, configuration, names, Path(entry.name)) if attempt.outcome in ACCEPTED else []
            report.notes += [f"{entry.name}: {note}" for note in notes]
            try:
                inbox.file_away(entry, attempt, refused_rows(lake, attempt.payload_sha256), notes, reach.next_name(entry.name, names))
            except InboxError as error:  # its content is safe; who may write the inbox must not be able to stop everything else
                report.notes.append(f"{entry.name} stays in the inbox: {error}")
        if inbox.is_full():
            report.notes.append(f"{inbox.folder} holds more than {inbox.most} files: those behind them, by name, wait for the next run")
    return report


def notes_of(attempt: Attempt, held: Mapping[str, pl.DataFrame], configuration: Configuration, names: Collection[str], file: Path) -> list[str]:
    """Say which parts of an accepted payload reach no mart or do not count as stated. `file` is the name a person types for it."""
    sha = attempt.payload_sha256
    rows = {table: frame for table, frame in held.items() if sha is not None and frame.filter(pl.col("payload_sha256") == sha).height}
    if sha is None or not rows:
        return []
    found = reach.series_of(frame.filter(pl.col("payload_sha256") == sha) for frame in rows.values())
    said = reach.said_unread(reach.unread(found, configuration.series), configuration.series, str(file))
    for table, frame in rows.items():
        said += reach.said_of_corrections(table, sha, file.name, frame, configuration.clock, names)
    return said


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Hold the lock for moving files out of the inbox. Raises InboxError where another run holds it longer than a writer waits."""
    lock = FileLock(settings.root / "inbox.lock", timeout=settings.lock_wait_seconds)
    try:
        lock.acquire()
    except Timeout:
        raise InboxError(f"{settings.inbox} is being taken in by another run; try again when that is done") from None
    try:
        yield
    finally:
        lock.release()


def refused_rows(lake: Lake, sha: str | None) -> list[str]:
    """Say which rows of a payload lie in quarantine and why, one line each."""
    batch = next((batch for batch in reversed(list(lake.batches())) if sha in batch.payloads), None)
    reasons: dict[str, list[str]] = {}
    for file in batch.files if batch else ():
        if file.table == "ingest__quarantine":
            rows = pl.read_parquet(lake.verified(file)).filter(pl.col("payload_sha256") == sha)
            for reason, message, row in rows.select("reason", "message", "row_json").iter_rows():
                reasons.setdefault(row, []).append(f"{reason}: {message}")
    return [storable(f"{'; '.join(why)}; {row}", LINE_CHARACTERS) for row, why in reasons.items()]


@dataclass(frozen=True, slots=True)
class TableRead:
    """What a file would give one table."""

    table: str
    rows: int
    series: int
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Examination:
    """What would become of a file."""

    attempt: Attempt
    tables: tuple[TableRead, ...]
    refused: tuple[str, ...]
    series: tuple[SeriesRead, ...] = ()
    """Those of a vendor's file."""
    notes: tuple[str, ...] = ()
    """What reaches no mart, or does not count as the file states it."""

    @property
    def is_taken(self) -> bool:
        """True where the file would go to the archive folder, even without some of its rows."""
        return self.attempt.outcome is Outcome.OK

    @property
    def is_useful(self) -> bool:
        """True where at least one row would be read."""
        return self.is_taken and any(table.rows for table in self.tables)


def examine(file: Path, known: Sequence[Source], configuration: Configuration = SHIPPED_ONLY, settings: Settings | None = None) -> Examination:
    """Try one file in a temporary home, as if added to the home of the settings. Raises FileNotFoundError when there is no such file."""
    file.lstat()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        archive, lake = Archive(home / "archive"), Lake(home / "lake")
        report = ingest(
            known, InboxOrigin(Inbox(file.parent, 0.0, FILE_LIMIT, only=file.name), known), archive, lake, "check", limits=configuration.limits
        )
        if not report.fetch_log:
            raise FileNotFoundError(f"{file} is a folder, unfinished, hidden, or changes while it is read")
        attempt = report.fetch_log[0]
        parts = [part for batch in lake.batches() for part in batch.files]
        read = [_table_read(table, [lake.verified(part) for part in parts if part.table == table]) for table in TABLES]
        own = {table: reach.held(lake, table) for table in reach.VENDOR_TABLES}
        notes: list[str] = []
        if attempt.outcome is Outcome.OK:
            home_lake = Lake(settings.lake) if settings else None
            held = {table: pl.concat([frame, *([reach.held(home_lake, table)] if home_lake else [])]) for table, frame in own.items() if frame.height}
            names = {one.request_name for one in Archive(settings.archive).fetch_log()} if settings else set()
            notes = notes_of(attempt, held, configuration, names, file)
        refused = tuple(refused_rows(lake, attempt.payload_sha256))
        return Examination(attempt, tuple(found for found in read if found), refused, tuple(reach.series_of(own.values())), tuple(notes))


def _table_read(table: str, parts: Sequence[Path]) -> TableRead | None:
    if table == "ingest__quarantine" or not parts:
        return None
    frame = pl.concat([pl.read_parquet(part) for part in parts])
    period = TABLES[table].period
    keys = [name for name in TABLES[table].key if name != period and frame.schema[name] not in (pl.Date, pl.Datetime("us", "UTC"))]
    series = frame.select(pl.struct(keys).n_unique()).item() if keys else 1
    days = frame[period].sort().to_list() if period else [None]
    return TableRead(table, frame.height, series, days[0], days[-1])
