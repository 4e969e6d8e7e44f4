"""Years of history from the public addresses, month by month, the newest first: what was asked for before is not asked again, so it goes on where it ended.

Polite: one request after another at the client's pace, and a feed that challenges, or a host that gives no answer, ends the asking of it. Takes in
and commits month by month; publishes nothing.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ingest.archive import Archive, Attempt
from ingest.catalog.calendar import Calendar
from ingest.catalog.limits import Limits
from ingest.flow import Report, ingest
from ingest.inspect import SOFT_404
from ingest.lake import Lake
from ingest.origins import LiveOrigin
from ingest.problems import no_network
from ingest.source import OVERDUE, SHANGHAI, Cadence, Outcome, Request, Response, Source

Identity = tuple[str, str, str]
# A payload is final, read or not: its bytes are kept. A challenge, something else than data (a login page, half a file) and no answer are not.
ASK_AGAIN = (Outcome.BLOCKED, Outcome.HTTP_ERROR, Outcome.NOT_DATA, Outcome.NOT_PUBLISHED)


@dataclass(frozen=True)
class Progress:
    """How far a backfill is: the month at work, requests answered and left, and how long the rest will take at the pace so far."""

    month: date
    answered: int
    left: int
    seconds_left: float


@dataclass
class Backfilled:
    """How a backfill ended: what it did, how many requests are left, and why it stopped where it did not come to its end."""

    report: Report = field(default_factory=Report)
    left: int = 0
    stopped: str = ""


def wanted(sources: Sequence[Source], calendar: Calendar, first: date, last: date, attempts: Iterable[Attempt]) -> dict[date, list[Request]]:
    """Give by month, newest first, what history there is to ask for and was not answered yet; nothing of closed days and of what people export."""
    answered, denied = set[Identity](), dict[Identity, date]()
    for attempt in attempts:
        if attempt.outcome not in ASK_AGAIN:
            answered.add(attempt.request)
        elif _says_not_there(attempt):
            denied[attempt.request] = attempt.attempted_at.astimezone(SHANGHAI).date()
    found: dict[date, list[Request]] = {}
    for day in _back(max(last, calendar.first_day), max(first, calendar.first_day)):
        for source in sources:
            if source.cadence is Cadence.ANY_DAY or not calendar.is_open(source.cadence, day):
                continue
            for request in source.requests(day):
                identity = (request.source, request.feed, request.key)
                if identity in answered or request.url is None:
                    continue
                answered.add(identity)
                if denied.get(identity, date.min) <= day:  # on its own day "not there" means not yet
                    found.setdefault(day.replace(day=1), []).append(request)
    return found


def _says_not_there(attempt: Attempt) -> bool:
    """Tell whether an answer says that there is no such payload, and that it was due."""
    if attempt.outcome is Outcome.NOT_PUBLISHED:
        return attempt.reason == OVERDUE
    return attempt.outcome is Outcome.NOT_DATA and attempt.reason == SOFT_404


def _only_other_pages(attempts: Sequence[Attempt]) -> str:
    """Say that everything that was answered was something else than data, as behind a login page; empty where that is not so."""
    answers = [attempt for attempt in attempts if attempt.outcome is not Outcome.HTTP_ERROR]
    if not answers or not all(attempt.outcome is Outcome.NOT_DATA and not _says_not_there(attempt) for attempt in answers):
        return ""
    return f"none of the {len(answers)} answers was data ({answers[-1].message}); look at the address in a browser"


def backfill(
    sources: Sequence[Source],
    calendar: Calendar,
    span: tuple[date, date],
    fetch: Callable[[Request], Response],
    archive: Archive,
    lake: Lake,
    run_id: str,
    *,
    tell: Callable[[Progress], None] = lambda _: None,
    limits: Limits | None = None,
    silent_after: int | None = None,
    assumed_seconds: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
) -> Backfilled:
    """Ask for a span of days, both ends included, and take in what comes. Cut off anywhere, it goes on when called again.

    What it takes is told before it begins, at `assumed_seconds` a request, and then after each by how long those before took.
    """
    plan = wanted(sources, calendar, *span, archive.fetch_log())
    done, answered, begun = Backfilled(left=sum(map(len, plan.values()))), 0, clock()
    closed: set[tuple[str, str]] = set()
    if plan:
        tell(Progress(next(iter(plan)), 0, done.left, assumed_seconds * done.left))
    for month, requests in plan.items():
        asked = {(request.source, request.feed, request.key) for request in requests if (request.source, request.feed) not in closed}
        if not asked:
            continue
        days = sorted({request.day for request in requests if request.day})

        def counted(request: Request, month: date = month) -> Response:
            nonlocal answered
            response = fetch(request)
            answered += 1
            pace = (clock() - begun) / answered
            tell(Progress(month, answered, done.left - answered, pace * (done.left - answered)))
            return response

        origin = LiveOrigin(days[0], days[-1], calendar, counted, only=frozenset(days), silent_after=silent_after, wanted=frozenset(asked))
        report = ingest(sources, origin, archive, lake, run_id, limits=limits)
        done.report.absorb(report)
        closed |= {(attempt.source, attempt.feed) for attempt in report.fetch_log if attempt.outcome is Outcome.BLOCKED}
        if why := no_network(report.fetch_log) or _only_other_pages(report.fetch_log):
            done.stopped = why
            break
    done.left = sum(map(len, wanted(sources, calendar, *span, archive.fetch_log()).values()))
    if closed and not done.stopped:
        done.stopped = f"{', '.join(sorted(f'{source}/{feed}' for source, feed in closed))} answered with a challenge and was left alone"
    return done


def _back(last: date, first: date) -> Iterator[date]:
    return (last - timedelta(days=n) for n in range((last - first).days + 1))


def years_before(today: date, years: int) -> date:
    """Give the day some years before; of a 29 February the last day of that month."""
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        return today.replace(year=today.year - years, day=28)


def ends_at(now: datetime, seconds: float) -> str:
    """Say how long something takes and when it ends, as people read it."""
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    span = f"{hours} h {minutes:02} min" if hours else f"{minutes} min"
    return f"about {span}, until {now + timedelta(seconds=seconds):%Y-%m-%d %H:%M}"
