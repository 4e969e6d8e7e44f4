"""Is this home in order, and what should be done next? Looks at files only: it opens no database and asks no address.

What is said stands in `doctor.toml`, in English and Chinese; here is when each sentence holds.
"""

import importlib.metadata
import shutil
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from pathlib import Path

from packaging.requirements import Requirement

from ingest import reach
from ingest.archive import PURGED, Archive
from ingest.catalog.calendar import Calendar, CalendarHorizonError, load_calendar
from ingest.catalog.configuration import Configuration
from ingest.deadline import Deadlines, load_deadlines
from ingest.dropped import inbox_of
from ingest.files import listed
from ingest.home import FORMAT, FormatError, format_of, origin_of
from ingest.lake import Lake
from ingest.notes import is_whole, read_note
from ingest.settings import REPOSITORY, Settings
from ingest.source import SHANGHAI, ConfigurationError, DataOrigin, HomeError, Outcome, Source
from ingest.sources import sources
from orchestration.home.backup import HOME_NOTE, half_a_home
from orchestration.instance.addresses import chat_problems, webhook_problem
from orchestration.instance.alerts import damaged, file_of, last_failure, standing
from orchestration.warehouse.load import holder, is_free
from serving.publish.served import kept, link_lost, pinned
from serving.read import FILE_NAME
from serving.seal import BrokenSealError, faults, sealed

# What a home needs to go on for a while where nothing is known of it yet; assumed: DuckDB spills while it sorts.
DISK_NEEDED = 2 * 2**30
# Days back that are looked through for what is overdue: longer than any holiday, so that the session before one is among them.
SERIES_SHOWN = 3
LOOK_BACK_DAYS = 30
# The operator needs time to enter next year's closures, which the exchanges publish in December; the State Council's notice comes in November.
HORIZON_NEEDED = timedelta(days=60)
SENTENCES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
OUTCOMES_ZH = SENTENCES.pop("outcomes")
CHECKED_PACKAGES = ("dagster", "dagster-dbt", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "pandera", "polars")


class Level(StrEnum):
    """How bad a finding is; only an error makes the command fail."""

    OK = "ok"
    NOTE = "note"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it is, and what to do about it, in English and Chinese."""

    level: Level
    subject: str
    message: str
    advice: str = ""
    message_zh: str = ""
    advice_zh: str = ""

    def told(self, language: str) -> tuple[str, str]:
        """Give message and advice in a language: `en` or `zh`."""
        return (self.message_zh, self.advice_zh) if language == "zh" else (self.message, self.advice)


def _finding(level: Level, subject: str, key: str, **figures: object) -> Finding:
    """Make a finding of the sentence with this key; `figures` fill its places."""
    said = SENTENCES[key]
    advice = said.get("do", "")
    texts = (said["en"], advice, said["zh"], said.get("do_zh", advice))
    return Finding(level, subject, *(text.format(**figures) for text in texts))


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
        is_present = format_of(settings) == FORMAT
        if not is_present and settings.restoring.exists():
            return list(_rebuild(settings, moment))
        if not is_present and not _has_lost_its_note(settings):
            return [_finding(Level.NOTE, "home", "older_format", format=format_of(settings))]
    except FormatError as error:
        return [_finding(Level.ERROR, "home", "unusable", why=error)]
    lost = [] if is_present else [_finding(Level.NOTE, "home", "note_lost", path=settings.root / HOME_NOTE)]
    checks: tuple[Callable[[Settings, datetime], Iterator[Finding]], ...] = (
        _versions,
        _calendar,
        _disk,
        _lock,
        _rebuild,
        _clock_of_the_machine,
        _notes,
        _publication,
        _alerts,
        _sources,
        _dropped,
        *((_content,) if deep else ()),
    )
    return lost + [finding for check in checks for finding in _told(check, settings, moment)]


def _has_lost_its_note(settings: Settings) -> bool:
    """Tell whether a home is of the present format and has only lost the note that says so."""
    log = Archive(settings.archive).log
    return not (settings.root / HOME_NOTE).is_file() and bool(log.left()) and next(log.faults(), None) is None


def _told(check: Callable[[Settings, datetime], Iterator[Finding]], settings: Settings, now: datetime) -> Iterator[Finding]:
    """Give what a check finds. A home that cannot be read is a finding, too."""
    try:
        yield from check(settings, now)
    except HomeError as error:
        yield _finding(Level.ERROR, "home", "unusable", why=error)
    except OSError as error:  # one unreadable thing must not hide the others
        path, why = error.filename or settings.root, error.strerror or error
        yield _finding(Level.ERROR, check.__name__.removeprefix("_"), "not_readable", path=path, why=why)


def _versions(settings: Settings, now: datetime) -> Iterator[Finding]:
    lock = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    pins = [Requirement(line.removesuffix(" \\")) for line in lock.splitlines() if line[:1].isalnum()]
    here = {pin.name: str(pin.specifier).removeprefix("==") for pin in pins if pin.marker is None or pin.marker.evaluate()}
    wrong = [f"{name} {found}, locked {here.get(name)}" for name in CHECKED_PACKAGES if (found := importlib.metadata.version(name)) != here.get(name)]
    if wrong:
        yield _finding(Level.ERROR, "versions", "versions_differ", wrong="; ".join(wrong))
    else:
        yield _finding(Level.OK, "versions", "versions_as_locked", count=len(CHECKED_PACKAGES))


def _calendar(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        calendar = load_calendar(settings.catalog_overlay)
    except (ValueError, CalendarHorizonError) as error:
        yield _finding(Level.ERROR, "calendar", "calendar_wrong", why=error, file=settings.catalog_overlay / "calendar.toml")
        return
    file, last = settings.catalog_overlay / "calendar.toml", calendar.last_day
    yield from (_finding(Level.ERROR, "holidays", "holiday_missing", why=missing, file=file) for missing in calendar.missing_holidays())
    text = calendar.extension()
    extended = {"year": text.split("-")[0][-4:], "file": file, "text": text}
    if now.date() > last:
        yield _finding(Level.ERROR, "calendar", "calendar_ended", last=last, **extended)
    elif now.date() + HORIZON_NEEDED > last:
        yield _finding(Level.NOTE, "calendar", "calendar_ends_soon", last=last, days=(last - now.date()).days, **extended)
    else:
        yield _finding(Level.OK, "calendar", "calendar_known", last=last)


def _disk(settings: Settings, now: datetime) -> Iterator[Finding]:
    there = next(path for path in (settings.root, *settings.root.parents) if path.exists())
    free = shutil.disk_usage(there).free
    # A run writes a warehouse beside the old one and a release; releases pile up until as many are kept as shall be.
    release = sum(path.stat().st_size for path in settings.serving.resolve().rglob("*") if path.is_file()) if settings.serving.is_symlink() else 0
    warehouse = settings.warehouse.stat().st_size if settings.warehouse.is_file() else 0
    to_come = max(1, settings.releases_kept - len(kept(settings)) + 1) * release + 2 * warehouse
    needed = max(DISK_NEEDED, to_come)
    figures = {
        "free": f"{free / 2**30:.1f}", "path": there, "release": f"{release / 2**20:,.0f}", "kept": settings.releases_kept,
        "warehouse": f"{warehouse / 2**20:,.0f}", "needed": f"{needed / 2**30:.1f}",
    }  # fmt: skip
    if free >= needed:
        yield _finding(Level.OK, "disk", "disk_enough_for_releases" if release else "disk_enough", **figures)
    else:
        yield _finding(Level.ERROR, "disk", "disk_short_for_releases" if release else "disk_short", **figures)


def _lock(settings: Settings, now: datetime) -> Iterator[Finding]:
    free = is_free(settings)
    if free is None:
        yield _finding(Level.NOTE, "writer", "writer_unknown")
    elif free:
        yield _finding(Level.OK, "writer", "writer_none")
    else:
        yield _finding(Level.NOTE, "writer", "writer_busy", who=holder(settings))


def _rebuild(settings: Settings, now: datetime) -> Iterator[Finding]:
    if why := half_a_home(settings):
        yield _finding(Level.ERROR, "home", "half_a_home", why=why)
        return
    if settings.rebuilding.exists():
        since = (read_note(settings.rebuilding, "alumina rebuild") or {}).get("since")
        yield _finding(Level.ERROR, "lake", "rebuilding", since=_here(since) if since else "some time")


def _clock_of_the_machine(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Say that this machine's clock stands before what came already: every run refuses."""
    newest = Archive(settings.archive).newest()
    if newest is not None and now < newest:
        yield _finding(Level.ERROR, "clock", "clock_behind", now=_here(now.isoformat()), newest=_here(newest.isoformat()))


def _notes(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Name the notes that have rotted and that nothing else here reads, and a fetch log that is gone."""
    for path in (settings.archive / PURGED, settings.rejected, settings.outlook_model):
        if not is_whole(path):
            yield _finding(Level.ERROR, "home", "note_damaged", path=path)
    # Each payload has its line before the lake has its rows.
    if not Archive(settings.archive).told() and next(Lake(settings.lake).batches(), None) is not None:
        yield _finding(Level.ERROR, "archive", "archive_damaged", why=f"{settings.archive / 'receipts'} has no line, and the lake holds what came")


def _publication(settings: Settings, now: datetime) -> Iterator[Finding]:
    failed = last_failure(settings)
    if not settings.status.is_file():
        if failed:
            yield _finding(Level.ERROR, "publication", "never_published_failed", at=_here(failed["at"]), why=failed["message"])
        else:
            yield _finding(Level.NOTE, "publication", "never_published")
        return
    status = read_note(settings.status, "alumina run writes it anew") or {}
    outcome, serving = status["outcome"], status["serving"]
    last = {
        "outcome": outcome, "outcome_zh": OUTCOMES_ZH.get(outcome, outcome), "when": _here(status["at"]),
        "serving": serving or "nothing", "serving_zh": serving or "无",
    }  # fmt: skip
    # A run that was refused is told by the status itself.
    if failed and failed["run_id"] != status.get("run_id") and datetime.fromisoformat(failed["at"]) > datetime.fromisoformat(status["at"]):
        yield _finding(Level.ERROR, "publication", "run_failed_since", at=_here(failed["at"]), why=failed["message"], **last)
    elif lost := link_lost(settings):
        yield _finding(Level.ERROR, "publication", "link_lost", why=lost)
    elif wrong := _served_is_rotten(settings):
        yield _finding(Level.ERROR, "publication", "release_damaged", why=wrong)
    elif held := pinned(settings):
        yield _finding(Level.NOTE, "publication", "held_at_release", why=held, **last)
    elif outcome in ("published", "rolled_back"):
        yield _finding(Level.OK, "publication", "published", **last)
    elif outcome == "running" and is_free(settings):
        yield _finding(Level.ERROR, "publication", "publication_cut_off", **last)
    elif outcome == "running":
        yield _finding(Level.NOTE, "publication", "publication_at_work", **last)
    else:
        yield _finding(Level.ERROR, "publication", "publication_refused", why=status["reason"], **last)


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
        ("archive", Archive(settings.archive).faults(), "archive_damaged"),
        ("lake", Lake(settings.lake).faults(), "lake_damaged"),
        ("releases", _rotten_releases(settings), "release_damaged"),
    )
    for subject, journal in (("archive", Archive(settings.archive).log), ("lake", Lake(settings.lake).log)):
        if fault := journal.unproved():
            yield _finding(Level.NOTE, subject, "end_unproved", why=fault)
    for subject, found, key in places:
        wrong = [str(fault) for fault in found]
        yield from (_finding(Level.ERROR, subject, key, why=fault) for fault in wrong)
        if not wrong:
            yield _finding(Level.OK, subject, "whole")


def _rotten_releases(settings: Settings) -> Iterator[str]:
    for path in listed(settings.releases):
        if path.is_dir() and not path.name.startswith("."):
            yield from faults(path)


def _alerts(settings: Settings, now: datetime) -> Iterator[Finding]:
    wrong = [problem] if settings.alert_webhook and (problem := webhook_problem(settings.alert_webhook.get_secret_value())) else []
    wrong += chat_problems(settings.alert_urls)
    for problem in wrong:
        yield _finding(Level.ERROR, "alerts", "alerts_wrong", why=problem)
    if settings.alert_webhook is None and settings.alert_urls is None:
        yield _finding(Level.NOTE, "alerts", "alerts_unheard", file=file_of(settings))
    elif not wrong:
        yield _finding(Level.OK, "alerts", "alerts_heard")
    if rotten := damaged(settings):
        yield _finding(Level.NOTE, "alerts", "alerts_damaged", file=file_of(settings), lines=", ".join(map(str, rotten[:9])), count=len(rotten))
    for note in standing(settings):
        yield _finding(Level.NOTE, "alerts", "alert_stands", at=_here(note["at"]), why=note["message"])


def _sources(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        load_calendar(settings.catalog_overlay)
    except ValueError:
        return  # `_calendar` reports it; without a calendar nobody knows which files are due
    held = {file.table for batch in Lake(settings.lake).batches() for file in batch.files}
    origin = origin_of(settings)
    for source in sources(Configuration(settings.catalog_overlay)):
        missing = [table for table in source.tables if table not in held]
        if missing and not source.tables[0].startswith("catalog__"):
            # A table that can be asked for; the customs portal cannot, UN Comtrade answers more than a year later and in another form.
            live = any(request.dataset in missing for request in source.requests(_session_before(settings, now) or now.date()))
            key = "no_data_sample" if origin is DataOrigin.SAMPLE else "no_data_live" if live else "no_data_dropped"
            yield _finding(Level.NOTE, source.name, key, tables=", ".join(missing), inbox=settings.root / "inbox")
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
        yield _finding(Level.NOTE, "series", "series_unread", series=f"{named}{more}")
    inbox, since = inbox_of(settings), now.timestamp() - timedelta(days=LOOK_BACK_DAYS).total_seconds()
    for why in inbox.in_the_way():
        yield _finding(Level.ERROR, "inbox", "inbox_in_the_way", why=why)
    if inbox.is_full():
        yield _finding(Level.NOTE, "inbox", "inbox_full", inbox=inbox.folder, most=inbox.most)
    for name, lines in inbox.notes(since):
        for line in lines:
            if any(words in line for words in reach.NOT_COUNTED):
                yield _finding(Level.NOTE, "inbox", "not_counted", name=name, why=line)


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
        yield _finding(Level.ERROR, "clock", "clock_wrong", why=error, file=settings.catalog_overlay / "clock.toml")
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
            key = "overdue_more" if len(missing) > 1 else "overdue"
            told = {"due": f"{first.due:%Y-%m-%d %H:%M}", "last": last, "expected": first.request[2], "more": len(missing) - 1, "day": first.day}
            yield _finding(Level.ERROR, f"{source}/{feed}", key, **told)


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
