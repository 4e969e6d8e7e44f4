"""Where deliveries come from: the live exchange, a folder of payload files, the embedded sample, the archive, the catalogue.

An origin gives (request, response) pairs; what becomes of them is the same for all (`ingest.flow`).
"""

import errno
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from ingest import values
from ingest.archive import Archive, Attempt
from ingest.catalog.calendar import Calendar
from ingest.catalog.documents import catalog_files
from ingest.catalog.references import faults_of
from ingest.deadline import Deadlines, load_deadlines
from ingest.inbox import Entry, Inbox, as_meant
from ingest.inspect import TRUNCATED
from ingest.made_before import MadeBefore
from ingest.source import ACCEPTED, REFUSED, Adopter, DataOrigin, Outcome, Request, Response, Source, Verdict
from ingest.storable import storable

# Reason of a payload that was not requested because its feed or host is left alone for the rest of the run.
HELD_BACK = "held_back"
FILE_LIMIT = 64 * 2**20
NO_FILE = "not a regular file; links are not followed"
Delivery = tuple[Request, Response]


class Origin(Protocol):
    """One way payloads arrive."""

    @property
    def data_origin(self) -> DataOrigin:
        """Label of every row that comes this way."""
        ...

    def deliveries(self, sources: Sequence[Source]) -> Iterator[Delivery]:
        """Give the deliveries for these sources, oldest day first where days are known."""
        ...


@dataclass(frozen=True)
class CatalogOrigin:
    """The catalogue files, shipped and the operator's."""

    overlay: Path | None = None
    data_origin: DataOrigin = DataOrigin.CONFIG

    def deliveries(self, sources: Sequence[Source]) -> Iterator[Delivery]:
        """Give every catalogue file. All of them are checked, alone and against each other, before any is parsed."""
        files = list(catalog_files(self.overlay))
        wrong: dict[str, list[str]] = {}
        for fault in faults_of(files):
            wrong.setdefault(fault.file, []).append(str(fault))
        for name, body in files:
            verdict = Verdict(Outcome.FORMAT_CHANGED, "wrong_catalogue", f"catalogue file {'; '.join(wrong[name])}") if name in wrong else None
            yield Request("catalog", "catalog", name, name), Response(body, datetime.now(UTC), verdict=verdict)


@dataclass(frozen=True)
class FilesOrigin:
    """Payload files under a folder, each known by its name. Regular files only, links are not followed."""

    folder: Path | None
    """None where only what lies in the inbox is taken."""
    known: Sequence[Source]
    """Every source there is: each file belongs to the first that recognises it."""
    first: date | None = None
    last: date | None = None
    data_origin: DataOrigin = DataOrigin.FILES

    def deliveries(self, sources: Sequence[Source]) -> Iterator[Delivery]:
        """Give each file with the request it answers; raises NotADirectoryError when there is no such folder."""
        if self.folder is None:
            return
        if not self.folder.is_dir():
            raise NotADirectoryError(f"the payload folder {self.folder} does not exist")
        names = {source.name for source in sources}
        for path in sorted(Path(base) / name for base, _, names in os.walk(self.folder) for name in names):
            name = storable(path.relative_to(self.folder).as_posix())
            request = next((request for source in self.known if (request := source.recognise(name))), None)
            if request is None or request.source not in names:
                continue
            if request.day and ((self.first and request.day < self.first) or (self.last and request.day > self.last)):
                continue
            yield request, _read(path)


@dataclass
class InboxOrigin:
    """Files people dropped into the inbox, each known by its name made safe, or by what it holds. What is still being written waits for the next run."""

    inbox: Inbox
    known: Sequence[Source]
    """Every source there is: each file belongs to the first that recognises its name, else to the first that knows its content; the last takes all."""
    delivered: list[Entry] = field(default_factory=list)
    """What was delivered, in order: the attempts say where each file goes."""
    data_origin: DataOrigin = DataOrigin.FILES

    def deliveries(self, sources: Sequence[Source]) -> Iterator[Delivery]:
        """Give each file that is ready with the request it answers."""
        names = {source.name for source in sources}
        *readers, last = self.known
        named = {
            entry: next((found for name in as_meant(entry.name) for source in readers if (found := source.recognise(name))), None)
            for entry in self.inbox.entries()
        }
        wanted = [entry for entry, request in named.items() if request is None or request.source in names]
        for entry in self.inbox.settled(wanted):
            request, response = named[entry], self.inbox.read(entry)
            if response is None:
                continue
            if request is None:
                adopters = (source for source in readers if isinstance(source, Adopter)) if response.body else ()
                request = next((found for source in adopters if (found := source.adopt(entry.name, response.body))), last.recognise(entry.name))
            if request is not None and request.source in names:
                self.delivered.append(entry)
                yield request, response


@dataclass(frozen=True)
class SampleOrigin:
    """The embedded sample, deterministic."""

    first: date
    last: date
    data_origin: DataOrigin = DataOrigin.SAMPLE
    before: MadeBefore | None = None
    """Folder with the notes of what an earlier run generated; None to generate everything again."""

    def deliveries(self, sources: Sequence[Source]) -> Iterator[Delivery]:
        """Give the sample's payloads of the window."""
        names = sorted(source.name for source in sources)

        def make() -> Iterator[Delivery]:
            from ingest import sample  # generates two years of payloads on first use

            return sample.deliveries(self.first, self.last, names)

        return make() if self.before is None else self.before.deliveries("+".join(names), f"{self.first} to {self.last}", make)


@dataclass(frozen=True)
class LiveOrigin:
    """The public addresses, asked day by day at a limited pace. A source is not asked on days on which it is closed."""

    first: date
    last: date
    calendar: Calendar
    fetch: Callable[[Request], Response]
    deadlines: Deadlines = field(default_factory=load_deadlines)
    data_origin: DataOrigin = DataOrigin.LIVE
    only: frozenset[date] | None = None
    """The days of the span that are asked for, where that is not all of them."""
    silent_after: int | None = None
    """After this many requests in a row without an answer, a feed or host is left alone; None asks for everything."""
    wanted: frozenset[tuple[str, str, str]] | None = None
    """Source, feed and key of what is asked for, where that is not all there is."""

    def deliveries(self, sources: Sequence[Source]) -> Iterator[Delivery]:
        """Ask for each day's payloads; a feed that blocks, or that gives no answer again and again, is left alone for the rest of the run."""
        blocked: set[tuple[str, str]] = set()
        silence = _Silence(self.silent_after)
        span = (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))
        for day in (day for day in span if self.only is None or day in self.only):
            for source in sources:
                closed = (
                    None
                    if self.calendar.is_open(source.cadence, day)
                    else Verdict(Outcome.NO_SESSION, "calendar", f"{source.name} is closed on {day}; nothing was asked for")
                )
                for request in source.requests(day):
                    feed = (request.source, request.feed)
                    if self.wanted is not None and (*feed, request.key) not in self.wanted:
                        continue
                    held = (
                        Verdict(Outcome.BLOCKED, HELD_BACK, "not asked for: the feed answered with a challenge earlier in this run")
                        if feed in blocked
                        else silence.of(request)
                    )
                    if closed or held:
                        yield request, Response(b"", datetime.now(UTC), verdict=closed or held)
                        continue
                    response = self.fetch(request)
                    silence.note(request, response)
                    if source.inspect(request, response).outcome is Outcome.BLOCKED:
                        blocked.add(feed)
                    yield replace(request, due=self.deadlines.of(request)), response


@dataclass
class _Silence:
    """How often in a row a feed gave no answer (its address may hang), and a host that never answered (there may be no network)."""

    limit: int | None
    _times: Counter[str] = field(default_factory=Counter)
    _why: dict[str, str] = field(default_factory=dict)
    _heard: set[str] = field(default_factory=set)

    def note(self, request: Request, response: Response) -> None:
        """Count a request without an answer. Any answer, even a refusal, resets the count and shows that the host is up."""
        host, feed = _asked(request)
        if response.status is None and response.error is not None:
            for name in (feed,) if host in self._heard else (host, feed):
                self._times[name] += 1
                self._why[name] = response.error
        else:
            self._heard.add(host)
            self._times.pop(host, None)
            self._times.pop(feed, None)

    def of(self, request: Request) -> Verdict | None:
        """Say why a request is not asked any more; None where it is."""
        for name in _asked(request):
            if self.limit is not None and self._times[name] >= self.limit:
                said = f"not asked for: {name} gave no answer {self._times[name]} times in a row ({self._why[name]}); the next run asks again"
                return Verdict(Outcome.HTTP_ERROR, HELD_BACK, said)
        return None


def _asked(request: Request) -> tuple[str, str]:
    return urlsplit(request.url or "").netloc, f"{request.source}/{request.feed}"


@dataclass
class ReplayOrigin:
    """The archive itself: every payload a parser ever judged, in order of first arrival. A rebuild uses it.

    Refused payloads are offered again, because their parser may have been corrected. Incomplete ones and challenges are not.
    """

    archive: Archive
    only: frozenset[tuple[tuple[str, str, str], str]] | None = None
    """Request and sha256 of the payloads that are given, where that is not all of them."""

    @property
    def data_origin(self) -> DataOrigin:
        """Origin of the archived payloads; one home holds the sample or real data, so the newest attempt speaks for all."""
        origins = [attempt.data_origin for attempt in self.archive.came() if attempt.data_origin is not DataOrigin.CONFIG]
        return origins[-1] if origins else DataOrigin.FILES

    def deliveries(self, sources: Sequence[Source]) -> Iterator[Delivery]:
        """Give each payload once per request, with the time it was first in hand; configuration is read afresh instead."""
        names = {source.name for source in sources}
        # By request as well: bytes refused under a wrong name may have come again under the right one.
        seen: set[tuple[tuple[str, str, str], str]] = set()
        purged = self.archive.purged()
        for attempt in self.archive.fetch_log():
            sha = attempt.payload_sha256
            if sha is None or sha in purged or (attempt.request, sha) in seen or attempt.source not in names or not _is_judged(attempt):
                continue
            if self.only is not None and (attempt.request, sha) not in self.only:
                continue
            seen.add((attempt.request, sha))
            yield _again(self.archive, attempt, sha)


@dataclass(frozen=True)
class WaitingOrigin:
    """Payloads that were in hand when what took them in was cut off, each as it came."""

    archive: Archive
    attempts: Sequence[Attempt]
    data_origin: DataOrigin

    def deliveries(self, sources: Sequence[Source]) -> Iterator[Delivery]:
        """Give those of the sources, in the order they came."""
        names = {source.name for source in sources}
        return (
            _again(self.archive, attempt, attempt.payload_sha256)
            for attempt in self.attempts
            if attempt.payload_sha256 is not None and attempt.source in names
        )


def _again(archive: Archive, attempt: Attempt, sha: str) -> Delivery:
    key = attempt.request_key
    day = values.day(key) if len(key) == 8 and key.isdigit() else None  # daily files are keyed by their day
    response = Response(archive.get(sha), attempt.attempted_at, attempt.http_status, data_origin=attempt.data_origin)
    return Request(attempt.source, attempt.feed, key, attempt.request_name, day), response


def _is_judged(attempt: Attempt) -> bool:
    return attempt.outcome in ACCEPTED or (attempt.outcome in REFUSED and attempt.reason != TRUNCATED)


def _read(path: Path) -> Response:
    """Give a file's bytes, or why they are refused. It is judged once it is open: who may write the folder could put a link there meanwhile."""
    now = datetime.now(UTC)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return Response(b"", now, error=NO_FILE if error.errno in (errno.ELOOP, errno.ENXIO) else f"cannot be read: {error.strerror}")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return Response(b"", now, error=NO_FILE)
    with os.fdopen(handle, "rb") as file:
        try:
            body = file.read(FILE_LIMIT + 1)
        except OSError as error:
            return Response(b"", now, error=f"cannot be read: {error.strerror}")
    return Response(b"", now, error=f"larger than {FILE_LIMIT} bytes") if len(body) > FILE_LIMIT else Response(body, now)
