"""Which days the exchange trades and CFETS fixes. Pure arithmetic over `calendar.toml`; past its end every question is an error."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import cast

from ingest.catalog.documents import CALENDAR, SHIPPED, parsed, typed
from ingest.catalog.schemas import CalendarFile
from ingest.source import Cadence, ConfigurationError
from quality.typed import Fault, Wrong, WrongFileError, faults

CALENDAR_FILE = SHIPPED / CALENDAR


class CalendarHorizonError(Exception):
    """A day outside the calendar was asked for; trading days are never guessed."""


@dataclass(frozen=True)
class Calendar:
    """Sessions between two days, both known to the calendar."""

    first_day: date
    last_day: date
    sessions: tuple[date, ...]
    extra_fixings: frozenset[date] = frozenset()
    """Days without a session on which CFETS fixes."""
    no_fixings: frozenset[date] = frozenset()
    """Sessions on which CFETS does not fix."""

    def is_open(self, cadence: Cadence, day: date) -> bool:
        """Tell whether a source of this cadence can have something for `day`; raises CalendarHorizonError where the calendar would have to know."""
        if cadence is Cadence.ANY_DAY:
            return True
        is_session = self.is_session(day)
        if cadence is Cadence.FIXINGS:
            return day in self.extra_fixings or (is_session and day not in self.no_fixings)
        return is_session

    def is_session(self, day: date) -> bool:
        """Tell whether the exchange trades on `day`; raises CalendarHorizonError outside the calendar."""
        self._require(day)
        place = bisect_left(self.sessions, day)
        return place < len(self.sessions) and self.sessions[place] == day

    def between(self, first: date, last: date) -> list[date]:
        """List the sessions in [first, last]; raises CalendarHorizonError outside the calendar."""
        self._require(first)
        self._require(last)
        return list(self.sessions[bisect_left(self.sessions, first) : bisect_right(self.sessions, last)])

    def session_after(self, day: date) -> date:
        """Give the first session after `day`; raises CalendarHorizonError where the calendar does not reach it."""
        self._require(day)
        place = bisect_right(self.sessions, day)
        if place == len(self.sessions):
            self._require(self.last_day + timedelta(days=1))
        return self.sessions[place]

    def back(self, day: date, days: int) -> date:
        """Give the day some days before, or the session before the newest one where that is further back: a holiday may be longer than a look back."""
        place = bisect_right(self.sessions, day)
        return min(day - timedelta(days=days), *self.sessions[max(place - 2, 0) : place])

    def night_of(self, evening: date) -> date | None:
        """Give the session that the night trading of an evening opens; None where there is none: no session, or a public holiday is next."""
        if not self.is_session(evening):
            return None
        following = self.session_after(evening)
        between = _days(evening + timedelta(days=1), following - timedelta(days=1))
        return following if all(day.weekday() >= 5 for day in between) else None

    def _require(self, day: date) -> None:
        if not self.first_day <= day <= self.last_day:
            raise CalendarHorizonError(
                f"{day} is outside the trading calendar ({self.first_day} to {self.last_day}); "
                "add the exchange's closures for that year to catalog/calendar.toml in the warehouse home"
            )


def parse_calendar(texts: Sequence[str]) -> Calendar:
    """Build the calendar from one or more TOML texts; later ones extend the earlier (new years, a later last_day).

    Raises ConfigurationError with everything that is wrong with one of them.
    """
    try:
        return _joined(texts)
    except WrongFileError as error:
        raise ConfigurationError(f"catalogue file {error}") from None


def calendar_faults(texts: Sequence[str]) -> tuple[Fault, ...]:
    """Give what is wrong with a calendar of these texts, one by one."""
    try:
        _joined(texts)
    except WrongFileError as error:
        return error.faults
    return ()


def _joined(texts: Sequence[str]) -> Calendar:
    files = [cast(CalendarFile, typed(CALENDAR, text.encode())) for text in texts]
    firsts, lasts = ([day for file in files if (day := getattr(file, name))] for name in ("first_day", "last_day"))
    wrong: list[Wrong] = [((), f"key {name} is missing") for name, days in (("first_day", firsts), ("last_day", lasts)) if not days]
    first, last = min(firsts, default=date.max), max(lasts, default=date.min)
    if missing := [str(year) for year in range(first.year, last.year + 1) if not any(str(year) in file.closures for file in files)]:
        wrong.append((("last_day",), f"the calendar reaches to {last} without the closures of {', '.join(missing)}; no year is free of holidays"))
    if found := faults(CALENDAR, texts[-1], wrong):
        raise WrongFileError(found)
    closed = {day for file in files for spans in file.closures.values() for start, end in spans for day in _days(start, end)}
    sessions = tuple(day for day in _days(first, last) if day.weekday() < 5 and day not in closed)
    opened, shut = ([day for file in files for day in getattr(file.fixings, kind)] for kind in ("open", "closed"))
    return Calendar(first, last, sessions, frozenset(opened), frozenset(shut))


def load_calendar(overlay: Path | None = None) -> Calendar:
    """Read the shipped calendar, extended by `overlay/calendar.toml` when the operator has one; raises ConfigurationError where it is wrong.

    The files are read every time, so that a long-lived process sees the years the operator adds.
    """
    roots = (SHIPPED, *([overlay] if overlay and (overlay / CALENDAR).is_file() else []))
    return _loaded(tuple((root / CALENDAR).read_bytes() for root in roots))


@lru_cache(maxsize=8)
def _loaded(bodies: tuple[bytes, ...]) -> Calendar:
    for body in bodies:
        parsed(CALENDAR, body)  # says so where it is not text
    return parse_calendar([body.decode("utf-8") for body in bodies])


def trading_days(first: date, last: date) -> list[date]:
    """List the sessions of the shipped calendar in [first, last]."""
    return load_calendar().between(first, last)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
