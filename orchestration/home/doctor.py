"""Is this home in order, and what should be done next? Looks at files only: it opens no database and asks no address."""

import importlib.metadata
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import takewhile

from packaging.requirements import Requirement

from ingest import reach
from ingest.archive import Archive
from ingest.catalog.calendar import Calendar, CalendarHorizonError, load_calendar
from ingest.catalog.configuration import Configuration
from ingest.deadline import Deadlines, load_deadlines
from ingest.dropped import inbox_of
from ingest.home import FORMAT, FormatError, format_of, origin_of
from ingest.lake import Lake
from ingest.notes import read_note
from ingest.settings import REPOSITORY, Settings
from ingest.source import SHANGHAI, ConfigurationError, DataOrigin, HomeError, Outcome, Source
from ingest.sources import sources
from orchestration.home.backup import half_a_home
from orchestration.instance.addresses import chat_problems, webhook_problem
from orchestration.instance.alerts import last_failure, standing
from orchestration.warehouse.load import holder, is_free
from serving.publish.served import kept, pinned
from serving.read import FILE_NAME
from serving.seal import BrokenSealError, faults, sealed

# What a home needs to go on for a while where nothing is known of it yet; assumed: DuckDB spills while it sorts.
DISK_NEEDED = 2 * 2**30
# Days back that are looked through for what is overdue: longer than any holiday, so that the session before one is among them.
SERIES_SHOWN = 3
LOOK_BACK_DAYS = 30
# The operator needs time to enter next year's closures, which the exchanges publish in December; the State Council's notice comes in November.
HORIZON_NEEDED = timedelta(days=60)
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


@dataclass(frozen=True)
class Expected:
    """One payload of a live feed: the day on which it is asked for, when it is due, and which it is."""

    day: date
    due: datetime
    request: tuple[str, str, str]


def examine(settings: Settings, now: datetime | None = None, *, deep: bool = False) -> list[Finding]:
    """Look at everything; `now` is the time in Shanghai to judge by. With `deep`, every file of archive, lake and releases is read and hashed."""
    moment = now or datetime.now(SHANGHAI)
    try:
        if format_of(settings) != FORMAT:
            return [Finding(Level.NOTE, "home", f"has the older format {format_of(settings)}", "the next alumina run brings it to the present one")]
    except FormatError as error:
        return [Finding(Level.ERROR, "home", str(error))]
    checks: tuple[Callable[[Settings, datetime], Iterator[Finding]], ...] = (
        _versions,
        _calendar,
        _disk,
        _lock,
        _rebuild,
        _publication,
        _alerts,
        _sources,
        _dropped,
        *((_content,) if deep else ()),
    )
    return [finding for check in checks for finding in _told(check, settings, moment)]


def _told(check: Callable[[Settings, datetime], Iterator[Finding]], settings: Settings, now: datetime) -> Iterator[Finding]:
    """Give what a check finds; what cannot be believed on the way is a finding, too."""
    try:
        yield from check(settings, now)
    except HomeError as error:
        yield Finding(Level.ERROR, "home", str(error))
    except OSError as error:  # one thing that may not be read hides no other
        told = f"cannot be looked at: {error.filename or settings.root}: {error.strerror or error}"
        yield Finding(Level.ERROR, check.__name__.removeprefix("_"), told, "ask who owns this home, or look as that user")


def _versions(settings: Settings, now: datetime) -> Iterator[Finding]:
    lock = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    pins = [Requirement(line.removesuffix(" \\")) for line in lock.splitlines() if line[:1].isalnum()]
    here = {pin.name: str(pin.specifier).removeprefix("==") for pin in pins if pin.marker is None or pin.marker.evaluate()}
    wrong = [f"{name} {found}, locked {here.get(name)}" for name in CHECKED_PACKAGES if (found := importlib.metadata.version(name)) != here.get(name)]
    if wrong:
        yield Finding(Level.ERROR, "versions", f"not the locked set: {'; '.join(wrong)}", "rm -rf .venv && make run")
    else:
        yield Finding(Level.OK, "versions", f"as locked ({len(CHECKED_PACKAGES)} packages that matter)")


def _calendar(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        calendar = load_calendar(settings.catalog_overlay)
    except (ValueError, CalendarHorizonError) as error:
        yield Finding(Level.ERROR, "calendar", str(error), f"mend {settings.catalog_overlay / 'calendar.toml'}")
        return
    file, last = settings.catalog_overlay / "calendar.toml", calendar.last_day
    yield from (
        Finding(Level.ERROR, "holidays", missing, f"mend {file}; alumina catalog check says when it is right")
        for missing in calendar.missing_holidays()
    )
    text = calendar.extension()
    year = text.split("-")[0][-4:]
    advice = (
        f"put the exchange's closures of {year} and the new last_day into {file}: this text, its days held against the exchange's notice "
        f"(or the notice itself, docs/operations.md; alumina catalog calendar prints both):\n{text}"
    )
    if now.date() > last:
        yield Finding(Level.ERROR, "calendar", f"ended on {last}; no trading day is known since, and none is guessed", advice)
    elif now.date() + HORIZON_NEEDED > last:
        yield Finding(Level.NOTE, "calendar", f"ends on {last}, in {(last - now.date()).days} days", advice)
    else:
        yield Finding(Level.OK, "calendar", f"known until {last}")


def _disk(settings: Settings, now: datetime) -> Iterator[Finding]:
    there = next(path for path in (settings.root, *settings.root.parents) if path.exists())
    free = shutil.disk_usage(there).free
    # A run writes a warehouse beside the old one and a release; releases pile up until as many are kept as shall be.
    release = sum(path.stat().st_size for path in settings.serving.resolve().rglob("*") if path.is_file()) if settings.serving.is_symlink() else 0
    warehouse = settings.warehouse.stat().st_size if settings.warehouse.is_file() else 0
    to_come = max(1, settings.releases_kept - len(kept(settings)) + 1) * release + 2 * warehouse
    needed = max(DISK_NEEDED, to_come)
    said = f"{free / 2**30:.1f} GB free at {there}" + (
        f"; a release takes {release / 2**20:,.0f} MB, {settings.releases_kept} are kept, the warehouse {warehouse / 2**20:,.0f} MB"
        if release
        else ""
    )
    if free >= needed:
        yield Finding(Level.OK, "disk", said)
    else:
        yield Finding(
            Level.ERROR, "disk", f"{said}; {needed / 2**30:.1f} GB are needed", "alumina tidy, make room, or move ALUMINA_HOME to a larger disk"
        )


def _lock(settings: Settings, now: datetime) -> Iterator[Finding]:
    free = is_free(settings)
    if free is None:
        message = "this user may read the home and not write it, so whether somebody is writing cannot be told"
        yield Finding(Level.NOTE, "writer", message, "reading, exporting and asking work; runs are for who owns it")
    elif free:
        yield Finding(Level.OK, "writer", "nobody is writing")
    else:
        yield Finding(Level.NOTE, "writer", holder(settings))


def _rebuild(settings: Settings, now: datetime) -> Iterator[Finding]:
    if why := half_a_home(settings):
        yield Finding(Level.ERROR, "home", why)
        return
    if settings.rebuilding.exists():
        since = (read_note(settings.rebuilding, "alumina rebuild") or {}).get("since")
        message = f"the lake holds a part of the archive only (rebuilding or restored, {_here(since) if since else 'some time'}): no other run takes anything in or publishes"
        yield Finding(Level.ERROR, "lake", message, "if no rebuild is at work: alumina rebuild")


def _publication(settings: Settings, now: datetime) -> Iterator[Finding]:
    failed = last_failure(settings)
    if not settings.status.is_file():
        if failed:
            said = f"nothing was ever published here; the last run failed at {_here(failed['at'])}: {failed['message']}"
            yield Finding(Level.ERROR, "publication", said, "mend what it names, then alumina run")
        else:
            yield Finding(Level.NOTE, "publication", "nothing was ever published here", "alumina run")
        return
    status = read_note(settings.status, "alumina run writes it anew") or {}
    said = f"last attempt {status['outcome']} at {_here(status['at'])}, serving {status['serving'] or 'nothing'}"
    # A run that was refused is told by the status itself.
    if failed and failed["run_id"] != status.get("run_id") and datetime.fromisoformat(failed["at"]) > datetime.fromisoformat(status["at"]):
        advice = "mend what it names, then alumina run"
        yield Finding(Level.ERROR, "publication", f"{said}; a run after it failed at {_here(failed['at'])}: {failed['message']}", advice)
    elif wrong := _served_is_rotten(settings):
        yield Finding(Level.ERROR, "publication", wrong, "alumina rollback serves the release before, alumina run publishes a new one")
    elif held := pinned(settings):
        yield Finding(Level.NOTE, "publication", f"{said}; {held}")
    elif status["outcome"] in ("published", "rolled_back"):
        yield Finding(Level.OK, "publication", said)
    elif status["outcome"] == "running" and is_free(settings):
        yield Finding(
            Level.ERROR, "publication", f"{said}; nobody is writing, so it was cut off, or how it ended could not be written down", "alumina run"
        )
    elif status["outcome"] == "running":
        yield Finding(Level.NOTE, "publication", said, "wait until it is through")
    else:
        yield Finding(Level.ERROR, "publication", f"{said}: {status['reason']}", "mend what it names, then alumina run")


def _here(moment: str) -> str:
    """Give a noted moment as people on the desk read it."""
    return f"{datetime.fromisoformat(moment).astimezone(SHANGHAI):%Y-%m-%d %H:%M} Asia/Shanghai"


def _served_is_rotten(settings: Settings) -> str:
    """Say what is wrong with the database people read; empty where nothing is."""
    if not settings.serving.is_symlink():
        return ""
    try:
        sealed(settings.serving.resolve(), FILE_NAME)
    except BrokenSealError as error:
        return str(error)
    return ""


def _content(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Name every file that is not as it was written, and how to get it back."""
    places = (
        ("archive", Archive(settings.archive).faults(), "put it back: alumina restore BACKUP"),
        ("lake", Lake(settings.lake).faults(), "make it anew from the archive: alumina rebuild"),
        ("releases", _rotten_releases(settings), "alumina rollback serves the release before, alumina run publishes a new one"),
    )
    for subject, found, advice in places:
        wrong = [str(fault) for fault in found]
        yield from (Finding(Level.ERROR, subject, fault, advice) for fault in wrong)
        if not wrong:
            yield Finding(Level.OK, subject, "every file is as it was written")


def _rotten_releases(settings: Settings) -> Iterator[str]:
    for path in sorted(settings.releases.glob("*")):
        if path.is_dir() and not path.name.startswith("."):
            yield from faults(path)


def _alerts(settings: Settings, now: datetime) -> Iterator[Finding]:
    wrong = [problem] if settings.alert_webhook and (problem := webhook_problem(settings.alert_webhook.get_secret_value())) else []
    wrong += chat_problems(settings.alert_urls)
    for problem in wrong:
        yield Finding(Level.ERROR, "alerts", problem, "set it anew; until then alerts are only written to alerts.jsonl")
    if settings.alert_webhook is None and settings.alert_urls is None:
        advice = f"alerts are only written to {settings.root / 'alerts.jsonl'}; set ALUMINA_ALERT_WEBHOOK or ALUMINA_ALERT_URLS to hear of them"
        yield Finding(Level.NOTE, "alerts", "nobody is told", advice)
    elif not wrong:
        yield Finding(Level.OK, "alerts", "somebody is told")
    for note in standing(settings):
        yield Finding(Level.NOTE, "alerts", f"not over since {_here(note['at'])}: {note['message']}")


def _sources(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        load_calendar(settings.catalog_overlay)
    except ValueError:
        return  # said by the look at the calendar; which files are asked for goes by it
    held = {file.table for batch in Lake(settings.lake).batches() for file in batch.files}
    origin = origin_of(settings)
    for source in sources(Configuration(settings.catalog_overlay)):
        missing = [table for table in source.tables if table not in held]
        if missing and not source.tables[0].startswith("catalog__"):
            # A table that can be asked for; the customs portal cannot, UN Comtrade answers more than a year later and in another form.
            live = any(request.dataset in missing for request in source.requests(_session_before(settings, now) or now.date()))
            advice = "alumina run --source live" if live else f"drop the exported files into {settings.root / 'inbox'} (docs/drop-files.md)"
            if origin is DataOrigin.SAMPLE:
                advice = "not part of the sample"
            yield Finding(Level.NOTE, source.name, f"no data yet for {', '.join(missing)}", advice)
    if origin is DataOrigin.LIVE:
        yield from overdue(settings, now)


def _dropped(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Name the series of dropped files that no mart reads, and what was said of files of the last days that were taken."""
    if origin_of(settings) in (None, DataOrigin.SAMPLE):
        return
    try:
        mapped = Configuration(settings.catalog_overlay).series
    except ConfigurationError:
        return  # the run says it
    lake = Lake(settings.lake)
    open_series = reach.unread(reach.series_of(reach.held(lake, table) for table in reach.VENDOR_TABLES), mapped)
    if open_series:
        named = ", ".join(f"{one.provider} {one.series_id} ({one.name})" for one in open_series[:SERIES_SHOWN])
        more = f" and {len(open_series) - SERIES_SHOWN} more" if len(open_series) > SERIES_SHOWN else ""
        yield Finding(Level.NOTE, "series", f"no mart reads {named}{more}: the catalogue has no such id", "alumina inbox map FILE")
    since = now.timestamp() - timedelta(days=LOOK_BACK_DAYS).total_seconds()
    for name, lines in inbox_of(settings).notes(since):
        for line in lines:
            if any(words in line for words in reach.NOT_COUNTED):
                yield Finding(Level.NOTE, "inbox", f"{name}: {line}")


def overdue(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Name each feed with payloads that are due by the publication clock and did not arrive.

    They are due as the attempts say it. Of payloads nobody has asked for, those of a feed's last day count once that day is over: no run came.
    """
    try:
        calendar = load_calendar(settings.catalog_overlay)
    except ConfigurationError:
        return  # said by the look at the calendar
    try:
        deadlines = load_deadlines(settings.catalog_overlay)
    except ConfigurationError as error:
        yield Finding(Level.ERROR, "clock", str(error), f"mend {settings.catalog_overlay / 'clock.toml'}")
        return
    asked: set[tuple[str, str, str]] = set()
    arrived: set[tuple[str, str, str]] = set()
    for attempt in Archive(settings.archive).fetch_log():
        asked.add(attempt.request)
        if attempt.outcome in (Outcome.OK, Outcome.UNCHANGED):
            arrived.add(attempt.request)
    for (source, feed), payloads in _expected(sources(Configuration(settings.catalog_overlay)), calendar, deadlines, now.date()).items():
        never_asked = takewhile(lambda payload: payload.request not in asked, payloads)
        last_day = next((payload.day for payload in never_asked if payload.day < now.date()), None)
        missing = [
            payload
            for payload in payloads
            if payload.due <= now and payload.request not in arrived and (payload.request in asked or payload.day == last_day)
        ]
        if missing:
            first, last = missing[-1], max((key for *found, key in arrived if found == [source, feed]), default="no day")
            more = f" and {len(missing) - 1} after it" if len(missing) > 1 else ""
            message = f"overdue since {first.due:%Y-%m-%d %H:%M}: last arrived for {last}, expected {first.request[2]}{more}"
            yield Finding(Level.ERROR, f"{source}/{feed}", message, f"alumina run --source live --from {first.day}")


def _expected(known: Sequence[Source], calendar: Calendar, deadlines: Deadlines, today: date) -> dict[tuple[str, str], list[Expected]]:
    """Give what each live feed is asked for over the days looked back on, newest first."""
    found: dict[tuple[str, str], list[Expected]] = {}
    days = [today - timedelta(days=n) for n in range(LOOK_BACK_DAYS)]
    for source in known:
        for day in (day for day in days if day <= calendar.last_day and calendar.is_open(source.cadence, day)):
            for request in source.requests(day):
                if due := deadlines.of(request):
                    identity = (request.source, request.feed, request.key)
                    found.setdefault(identity[:2], []).append(Expected(day, due, identity))
    return found


def _session_before(settings: Settings, now: datetime) -> date | None:
    """Give the last session whose evening has come: everything of it should be there by 21:00."""
    today = now.date() if now.hour >= 21 else now.date() - timedelta(days=1)
    try:
        calendar = load_calendar(settings.catalog_overlay)
    except ValueError:
        return None  # said by the look at the calendar
    if not calendar.first_day <= today <= calendar.last_day:
        return None
    return next(iter(reversed(calendar.between(max(calendar.first_day, today - timedelta(days=LOOK_BACK_DAYS)), today))), None)
