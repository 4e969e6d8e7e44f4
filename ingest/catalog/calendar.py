"""Which days the exchange trades and CFETS fixes. Pure arithmetic over `calendar.toml`; past its end every question is an error."""

import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

from ingest.source import Cadence, ConfigurationError

CALENDAR_FILE = Path(__file__).with_name("calendar.toml")


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
    """Build the calendar from one or more TOML texts; later ones extend the earlier (new years, a later last_day)."""
    first, last = date.max, date.min
    closed: set[date] = set()
    fixings: dict[str, set[date]] = {"open": set(), "closed": set()}
    for text in texts:
        document = tomllib.loads(text)
        if not isinstance(document.get("closures", {}), dict):
            raise ValueError("closures must be a table of years, each a list of days or spans")
        known = last if last > date.min else None
        first = min(first, date.fromisoformat(document["first_day"])) if "first_day" in document else first
        last = max(last, date.fromisoformat(document["last_day"])) if "last_day" in document else last
        years = range(known.year + 1, last.year + 1) if known else ()
        if missing := [year for year in years if not document.get("closures", {}).get(str(year))]:
            raise ValueError(
                f"the calendar is extended to {last} without the closures of {', '.join(map(str, missing))}; no year is free of holidays"
            )
        for spans in document.get("closures", {}).values():
            for span in spans:
                start, _, end = span.partition("/")
                closed.update(_days(date.fromisoformat(start), date.fromisoformat(end or start)))
        for kind, days in document.get("fixings", {}).items():
            fixings[kind].update(date.fromisoformat(day) for day in days)
    sessions = tuple(day for day in _days(first, last) if day.weekday() < 5 and day not in closed)
    return Calendar(first, last, sessions, frozenset(fixings["open"]), frozenset(fixings["closed"]))


@lru_cache
def load_calendar(overlay: Path | None = None) -> Calendar:
    """Read the shipped calendar, extended by `overlay/calendar.toml` when the operator has one; raises ConfigurationError where it is wrong."""
    files = [CALENDAR_FILE, *([overlay / "calendar.toml"] if overlay and (overlay / "calendar.toml").is_file() else [])]
    try:
        return parse_calendar([file.read_text(encoding="utf-8") for file in files])
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ConfigurationError(f"catalogue file {CALENDAR_FILE.name}: {error}") from None


def trading_days(first: date, last: date) -> list[date]:
    """List the sessions of the shipped calendar in [first, last]."""
    return load_calendar().between(first, last)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
