"""Is this home in order, and what should be done next? Looks at files only: it opens no database and asks no address."""

import importlib.metadata
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from filelock import FileLock, Timeout

from ingest.archive import Archive
from ingest.catalog.calendar import CalendarHorizonError, load_calendar
from ingest.home import origin_of
from ingest.lake import Lake
from ingest.settings import REPOSITORY, Settings
from ingest.source import SHANGHAI, DataOrigin, Outcome, Request, Source
from ingest.sources import SOURCES

# What a full home needs to go on for a while; assumed: a release of the sample takes 10 MB, DuckDB spills while it sorts.
DISK_NEEDED = 2 * 2**30
# The operator needs time to enter next year's closures, which the exchanges publish in December.
HORIZON_NEEDED = timedelta(days=45)
CHECKED_PACKAGES = ("dagster", "dagster-dbt", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "pandera", "polars")


class Level(StrEnum):
    """How bad a finding is; only an error makes the command fail."""

    OK = "ok"
    NOTE = "note"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it is, and what to do about it."""

    level: Level
    subject: str
    message: str
    advice: str = ""


def examine(settings: Settings, now: datetime | None = None) -> list[Finding]:
    """Look at everything; `now` is the time in Shanghai to judge by."""
    moment = now or datetime.now(SHANGHAI)
    checks: tuple[Callable[[Settings, datetime], Iterator[Finding]], ...] = (_versions, _calendar, _disk, _lock, _publication, _sources)
    return [finding for check in checks for finding in check(settings, moment)]


def _versions(settings: Settings, now: datetime) -> Iterator[Finding]:
    lock = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==(\S+)", lock, re.MULTILINE))
    wrong = [f"{name} {found}, locked {pins.get(name)}" for name in CHECKED_PACKAGES if (found := importlib.metadata.version(name)) != pins.get(name)]
    if wrong:
        yield Finding(Level.ERROR, "versions", f"not the locked set: {'; '.join(wrong)}", "rm -rf .venv && make run")
    else:
        yield Finding(Level.OK, "versions", f"as locked ({len(CHECKED_PACKAGES)} packages that matter)")


def _calendar(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        last = load_calendar(settings.catalog_overlay).last_day
    except (ValueError, CalendarHorizonError) as error:
        yield Finding(Level.ERROR, "calendar", str(error), f"mend {settings.catalog_overlay / 'calendar.toml'}")
        return
    advice = f"put the exchange's closures of {last.year + 1} and the new last_day into {settings.catalog_overlay / 'calendar.toml'}"
    if now.date() > last:
        yield Finding(Level.ERROR, "calendar", f"ended on {last}; no trading day is known since, and none is guessed", advice)
    elif now.date() + HORIZON_NEEDED > last:
        yield Finding(Level.NOTE, "calendar", f"ends on {last}, in {(last - now.date()).days} days", advice)
    else:
        yield Finding(Level.OK, "calendar", f"known until {last}")


def _disk(settings: Settings, now: datetime) -> Iterator[Finding]:
    there = next(path for path in (settings.root, *settings.root.parents) if path.exists())
    free = shutil.disk_usage(there).free
    level = Level.OK if free >= DISK_NEEDED else Level.ERROR
    yield Finding(
        level, "disk", f"{free / 2**30:.1f} GB free at {there}", "" if level is Level.OK else "make room, or move ALUMINA_HOME to a larger disk"
    )


def _lock(settings: Settings, now: datetime) -> Iterator[Finding]:
    path = settings.root / "warehouse.lock"
    if path.exists():
        try:
            with FileLock(path, timeout=0):
                pass
        except Timeout:
            note = settings.root / "warehouse.holder.json"
            facts = json.loads(note.read_text()) if note.is_file() else {}
            yield Finding(
                Level.NOTE, "writer", f"{facts.get('what', 'a process')} since {facts.get('since', 'some time')} (process {facts.get('pid', '?')})"
            )
            return
    yield Finding(Level.OK, "writer", "nobody is writing")


def _publication(settings: Settings, now: datetime) -> Iterator[Finding]:
    if not settings.status.is_file():
        yield Finding(Level.NOTE, "publication", "nothing was ever published here", "alumina run")
        return
    status = json.loads(settings.status.read_text())
    said = f"last attempt {status['outcome']} at {status['at']}, serving {status['serving'] or 'nothing'}"
    if status["outcome"] in ("published", "rolled_back"):
        yield Finding(Level.OK, "publication", said)
    elif status["outcome"] == "running":
        yield Finding(Level.NOTE, "publication", said, "if nobody is writing, that run was cut off: alumina run")
    else:
        yield Finding(Level.ERROR, "publication", f"{said}: {status['reason']}", "mend what it names, then alumina run")


def _sources(settings: Settings, now: datetime) -> Iterator[Finding]:
    held = {file.table for batch in Lake(settings.lake).batches() for file in batch.files}
    origin = origin_of(settings)
    for source in SOURCES:
        missing = [table for table in source.tables if table not in held]
        if missing and not source.tables[0].startswith("catalog__"):
            live = bool(list(source.requests(_session_before(settings, now) or now.date())))
            advice = "alumina run --source live" if live else f"drop the exported files into {settings.root / 'inbox'} (docs/drop-files.md)"
            if origin is DataOrigin.SAMPLE:
                advice = "not part of the sample"
            yield Finding(Level.NOTE, source.name, f"no data yet for {', '.join(missing)}", advice)
    if origin is DataOrigin.LIVE:
        yield from _overdue(settings, now)


def _overdue(settings: Settings, now: datetime) -> Iterator[Finding]:
    session = _session_before(settings, now)
    if session is None:
        return
    arrived: dict[tuple[str, str], str] = {}
    for receipt in Archive(settings.archive).receipts():
        if receipt.outcome in (Outcome.OK, Outcome.UNCHANGED) and re.fullmatch(r"\d{8}", receipt.request_key):
            feed = (receipt.source, receipt.feed)
            arrived[feed] = max(arrived.get(feed, ""), receipt.request_key)
    for source in SOURCES:
        for request in _daily(source, session):
            last = arrived.get((request.source, request.feed), "")
            if last < request.key:
                yield Finding(
                    Level.ERROR,
                    f"{request.source}/{request.feed}",
                    f"overdue: last arrived for {last or 'no day'}, expected {request.key}",
                    "alumina run --source live",
                )


def _daily(source: Source, day: date) -> list[Request]:
    return [request for request in source.requests(day) if re.fullmatch(r"\d{8}", request.key)]


def _session_before(settings: Settings, now: datetime) -> date | None:
    """Give the last session whose evening has come: everything of it should be there by 21:00."""
    today = now.date() if now.hour >= 21 else now.date() - timedelta(days=1)
    try:
        calendar = load_calendar(settings.catalog_overlay)
    except ValueError:
        return None  # said by the look at the calendar
    if not calendar.first_day <= today <= calendar.last_day:
        return None
    return next(iter(reversed(calendar.between(max(calendar.first_day, today - timedelta(days=30)), today))), None)
