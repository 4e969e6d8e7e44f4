"""Which days and months of a source have arrived: partitions of the calendar in Asia/Shanghai, and what is still due.

A source with daily data has one partition for each calendar day. A closed day has the outcome `no_session`. A source with monthly data has
months. Nothing here asks the network; the fetch log says what arrived.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg

from ingest.archive import Attempt
from ingest.catalog.calendar import Calendar, load_calendar
from ingest.source import SHANGHAI, Outcome, Request, Source
from ingest.sources import SOURCES
from orchestration.assets.timetable import due_at
from quality.raw import TABLES

_SHIPPED = load_calendar()
_EVERY_YEAR = _SHIPPED.sessions[::250]

DAYS = dg.DailyPartitionsDefinition(start_date=str(_SHIPPED.first_day), timezone=str(SHANGHAI), end_offset=1)
"""Calendar days up to today."""
MONTHS = dg.MonthlyPartitionsDefinition(start_date=f"{_SHIPPED.first_day:%Y-%m}", timezone=str(SHANGHAI), fmt="%Y-%m")
"""Months that are over."""
MONTH_SOURCES: tuple[Source, ...] = tuple(
    source for source in SOURCES if source.tables and {TABLES[table].period for table in source.tables} == {"month"}
)
DAY_SOURCES: tuple[Source, ...] = tuple(
    source for source in SOURCES if source not in MONTH_SOURCES and any(request.day == day for day in _EVERY_YEAR for request in source.requests(day))
)

HERE = (Outcome.OK, Outcome.UNCHANGED)


@dataclass(frozen=True)
class Arrival:
    """What a partition's attempts say."""

    outcome: Outcome
    payloads: tuple[str, ...] = ()
    reason: str = ""

    @property
    def is_complete(self) -> bool:
        """True where everything asked for came, or the exchange was closed."""
        return self.outcome in (*HERE, Outcome.NO_SESSION)

    def metadata(self) -> dict[str, Any]:
        """What the partition's page shows."""
        hashes = ", ".join(sha[:12] for sha in self.payloads)
        return {"outcome": str(self.outcome), "payloads": len(self.payloads)} | ({"payload_sha256": hashes} if hashes else {})


def days_of(key: str) -> tuple[date, date] | None:
    """Give the days an attempt's key covers (`20250716`, `202507`, a name with a month or a span of months); None where it names none."""
    try:
        if re.fullmatch(r"\d{8}", key):
            return (day := datetime.strptime(key, "%Y%m%d").date(), day)
        months = re.search(r"(?<!\d)(\d{6})(?:[-_](\d{6}))?(?!\d)", key)
        if months is None:
            return None
        first, last = (datetime.strptime(text, "%Y%m").date() for text in (months[1], months[2] or months[1]))
    except ValueError:
        return None
    return first, _month_after(last) - timedelta(days=1)


def day_arrivals(attempts: Iterable[Attempt], calendar: Calendar, first: date, last: date) -> dict[str, Arrival]:
    """Judge each day of a window by the newest attempt of each request; a session that was never requested is left out."""
    arrivals = {str(day): Arrival(Outcome.NO_SESSION) for day in _days(first, last) if not calendar.is_session(day)}
    for day, newest in _newest_by_day(attempts, first, last).items():
        if str(day) not in arrivals:
            arrivals[str(day)] = _judge(newest)
    return arrivals


def month_arrivals(attempts: Iterable[Attempt]) -> dict[str, Arrival]:
    """Judge each month by the attempts that cover it: one usable file, of the portal or of Comtrade, is an arrival."""
    months: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        if span := days_of(attempt.request_key):
            for month in _months(*span):
                months.setdefault(f"{month:%Y-%m}", []).append(attempt)
    judged = {month: _judge([attempt for attempt in found if attempt.outcome in HERE] or found) for month, found in months.items()}
    return {month: arrival for month, arrival in judged.items() if MONTHS.has_partition_key(month)}


def lacking(
    attempts: Iterable[Attempt], calendar: Calendar, now: datetime, lookback_days: int, sources: Sequence[Source] = DAY_SOURCES
) -> Mapping[str, list[date]]:
    """Name, by source, the sessions of the last days that are due by the publication clock and lack a usable payload.

    Raises CalendarHorizonError when the calendar does not reach `now`: what is due is never guessed.
    """
    moment = now.astimezone(SHANGHAI)
    last = moment.date()
    calendar.is_session(last)
    first = calendar.back(last, lookback_days)
    known = [attempt for attempt in attempts if (span := days_of(attempt.request_key)) and span[1] >= first]
    found = {}
    for source in sources:
        here = _newest_by_day((attempt for attempt in known if attempt.source == source.name), first, last, usable=True)
        asked = {day: {request.feed for request in source.requests(day) if request.day == day} for day in calendar.between(first, last)}
        days = [
            day
            for day, feeds in asked.items()
            if due_at(source, day) <= moment and not feeds <= {attempt.feed for attempt in here.get(day, [])} | _only_today(source, day)
        ]
        if days:
            found[source.name] = days
    return found


def outstanding(attempts: Iterable[Attempt], sources: Sequence[Source], day: date, datasets: Iterable[str]) -> list[Request]:
    """Name the requests of a day, for some datasets, without a usable payload so far. Data that only people export is left out."""
    wanted = set(datasets)
    here = {attempt.request for attempt in attempts if attempt.outcome in HERE}
    return [
        request
        for source in sources
        for request in source.requests(day)
        if request.dataset in wanted and request.day == day and (request.source, request.feed, request.key) not in here
    ]


def asking_days(source: Source, month: date, today: date, calendar: Calendar) -> Iterator[date]:
    """Give the days on which a source asks for a month (the first is enough); none where only people can export it."""
    for day in calendar.between(month, today):
        if any((span := days_of(request.key)) and span[0] == month for request in source.requests(day)):
            yield day


def _only_today(source: Source, day: date) -> set[str]:
    """Feeds that can be requested only on their own day; afterwards they cannot be late, only lost."""
    return {request.feed for request in source.requests(day) if request.day != day}


def _newest_by_day(attempts: Iterable[Attempt], first: date, last: date, *, usable: bool = False) -> dict[date, list[Attempt]]:
    """Group attempts by the days they cover, the newest of each request; with `usable`, only those that brought data."""
    newest = {attempt.request: attempt for attempt in attempts if not usable or attempt.outcome in HERE}
    days: dict[date, list[Attempt]] = {}
    for attempt in newest.values():
        if span := days_of(attempt.request_key):
            for day in _days(max(first, span[0]), min(last, span[1])):
                days.setdefault(day, []).append(attempt)
    return days


def _judge(attempts: list[Attempt]) -> Arrival:
    bad = next((attempt for attempt in attempts if attempt.outcome not in (*HERE, Outcome.NO_SESSION)), None)
    if bad is not None:
        return Arrival(bad.outcome, reason=f"{bad.request_name}: {bad.message}")
    outcomes = {attempt.outcome for attempt in attempts}
    outcome = next(outcome for outcome in (*HERE, Outcome.NO_SESSION) if outcome in outcomes)
    return Arrival(outcome, tuple(sorted({attempt.payload_sha256 for attempt in attempts if attempt.payload_sha256})))


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _month_after(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = _month_after(month)
