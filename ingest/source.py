"""The vocabulary of ingestion: what a source is, what it asks for, what came back, and what was made of it.

The types that all of `ingest` uses. No I/O, no parsing, no knowledge of any one source.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

import polars as pl

SHANGHAI = ZoneInfo("Asia/Shanghai")
# Reason of a live attempt that found nothing although the payload is due by the publication clock.
OVERDUE = "overdue"


class Outcome(StrEnum):
    """How one attempt to obtain a payload ended; every attempt leaves one line in the fetch log with one of these."""

    OK = "ok"
    UNCHANGED = "unchanged"
    NO_SESSION = "no_session"
    NOT_PUBLISHED = "not_published"
    BLOCKED = "blocked"
    NOT_DATA = "not_data"
    FORMAT_CHANGED = "format_changed"
    HTTP_ERROR = "http_error"


ACCEPTED = (Outcome.OK, Outcome.UNCHANGED)
"""Outcomes of an attempt that brought a usable payload."""
REFUSED = (Outcome.NOT_PUBLISHED, Outcome.NOT_DATA, Outcome.FORMAT_CHANGED)
"""Outcomes decided by a parser; a corrected parser may decide otherwise."""


class Cadence(StrEnum):
    """The kind of days on which a live source is asked; the calendar says which days those are."""

    SESSIONS = "sessions"
    """Days the exchanges trade."""
    FIXINGS = "fixings"
    """Days CFETS fixes the RMB."""
    ANY_DAY = "any_day"
    """Every day: the source itself says what there is to ask for, if it can be asked at all."""


class DataOrigin(StrEnum):
    """Where the bytes came from; it travels on every row to the published page."""

    SAMPLE = "sample"
    FILES = "files"
    LIVE = "live"
    CONFIG = "config"
    """Catalogue rows: configuration, not observation."""


@dataclass(frozen=True, slots=True)
class Request:
    """One payload a source can ask for. `(source, feed, key)` is its identity across time and origins."""

    source: str
    feed: str
    key: str
    """What distinguishes payloads of one feed: `20250716` for a daily file, the file's stem for a dropped one."""
    name: str
    """File name or address tail, kept as data only."""
    day: date | None = None
    """The day (of a monthly payload the first of its month) it must be about; None where a payload carries its own dates."""
    url: str | None = None
    method: str = "GET"
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    """Body of a POST that is JSON; a request has this, a form, or neither."""
    dataset: str | None = None
    """Row of the publication clock that says when the payload is out; None where nothing is asked for."""
    due: datetime | None = None
    """From when on the payload must be there; set by the origin that asks live, None elsewhere."""


@dataclass(frozen=True, slots=True)
class Response:
    """Bytes and facts of one attempt. A transport failure is a Response too: `error` says what happened."""

    body: bytes
    fetched_at: datetime
    """UTC, when the bytes were in hand."""
    status: int | None = None
    """HTTP status; None for files."""
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    verdict: "Verdict | None" = None
    """Set by an origin that knew the answer without asking: no session that day, or a feed that blocks."""
    data_origin: DataOrigin | None = None
    """Set by an origin that passes on what others brought (a replay); None where the origin's own label holds."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What inspection or parsing decided about a payload, with the reason in one sentence."""

    outcome: Outcome
    reason: str = ""
    message: str = ""


class PayloadError(Exception):
    """A payload as a whole cannot be used. Carries the typed outcome; never escapes `ingest.flow`."""

    def __init__(self, outcome: Outcome, reason: str, message: str) -> None:
        super().__init__(message)
        self.verdict = Verdict(outcome, reason, message)


class UnforeseenError(Exception):
    """A parser failed on something it did not foresee, in another process: what it raised, and where, as text."""

    def __init__(self, told: str, place: str) -> None:
        super().__init__(told)
        self.place = place


class HomeError(Exception):
    """Something in the home cannot be used; the message says what is wrong and what to do."""


class ConfigurationError(ValueError):
    """The operator's catalogue cannot be used; the message names the file. No payload is to blame for it."""


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that could not be read or breaks a rule. It goes to quarantine with its reason, never into the lake."""

    table: str
    reason: str
    message: str
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a source made of one payload: one eager frame per raw table (without provenance), rejects and remarks."""

    frames: Mapping[str, pl.DataFrame]
    rejects: tuple[Reject, ...] = ()
    published_at: datetime | None = None
    """The time of publication the payload itself states (UTC); None where it states none."""
    remarks: tuple[str, ...] = ()
    """What was unusual but accepted: `control_char`, `partial:…`, `unknown_column:…`."""


class Source(Protocol):
    """One module under `ingest/sources`: which payloads exist, how to recognise one, how to read it. Pure; no I/O."""

    @property
    def name(self) -> str:
        """Short name, the first part of the names of its raw tables."""
        ...

    @property
    def parser_version(self) -> str:
        """Raise it whenever the same bytes would give other rows: payloads that are delivered again are then parsed again."""
        ...

    @property
    def tables(self) -> tuple[str, ...]:
        """Raw tables this source fills; `quality.raw` holds their shape."""
        ...

    @property
    def cadence(self) -> Cadence:
        """The days on which it is worth asking."""
        ...

    def requests(self, day: date) -> Iterable[Request]:
        """Give the payloads the source publishes for one calendar day (empty where people must export by hand)."""
        ...

    def recognise(self, path: str) -> Request | None:
        """Give the request a file (POSIX path relative to its folder) answers, or None when it is not this source's."""
        ...

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Decide from status and bytes whether this is what was asked for, before anything is parsed."""
        ...

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Turn an accepted payload into typed frames; raises PayloadError when it cannot be used as a whole."""
        ...


@runtime_checkable
class Adopter(Source, Protocol):
    """A source that knows a file of any name by what it holds."""

    def adopt(self, name: str, body: bytes) -> Request | None:
        """Give the request a file answers, or None when it is not this source's."""
        ...


def today() -> date:
    """Give the day it is where the exchanges are."""
    return datetime.now(SHANGHAI).date()
