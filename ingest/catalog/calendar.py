"""Which days the exchange trades and CFETS fixes. Pure arithmetic over `calendar.toml`; past its end every question is an error."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import cast

from ingest.catalog.documents import CALENDAR, SHIPPED, parsed, typed
from ingest.catalog.notice import closed_spans
from ingest.catalog.schemas import CalendarFile
from ingest.source import Cadence, ConfigurationError
from quality.typed import Fault, Wrong, WrongFileError, faults

CALENDAR_FILE = SHIPPED / CALENDAR
# Years past what is known for which sessions are expected: no contract is listed further ahead (`quality.raw`).
EXPECTED_YEARS = 3
_HORIZON = re.compile(r"outside the trading calendar \(\d{4}-\d\d-\d\d to (\d{4}-\d\d-\d\d)\)")


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
    always_known_until: date = date.max
    """Up to here closures count as known on every day before, too."""
    moving: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    """Days of the holidays that move with the moon and the sun, by their names in the file."""
    trades_on_holidays: frozenset[date] = frozenset()
    """Holidays by rule on which the exchange trades all the same."""

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

    def known_until(self, day: date) -> date:
        """Say how far closures count as known on a day: to the end of its year, and of old to one day for all.

        It does not depend on what was added since, so that what is said of a day stays when the calendar is extended by whole years.
        """
        return min(self.last_day, self.always_known_until if day <= self.always_known_until else date(day.year, 12, 31))

    def expected(self, known_until: date) -> list[date]:
        """List the sessions expected by rule in the years after a day: weekdays outside the holidays as the exchanges have closed on them of late."""
        last = date(known_until.year + EXPECTED_YEARS, 12, 31)
        closed = {day for year in range(known_until.year, last.year + 1) for first, end in self.usual_closures(year) for day in _days(first, end)}
        return [day for day in _days(known_until + timedelta(days=1), last) if day.weekday() < 5 and day not in closed]

    def usual_closures(self, year: int) -> list[tuple[date, date]]:
        """Give first and last of the days closed in a year as they usually are, weekends at their ends left out."""
        new_year, may, national = date(year, 1, 1), date(year, 5, 1), date(year, 10, 1)
        spans = [(new_year, new_year), (may, may + timedelta(days=4)), (national, national + timedelta(days=6))]
        # The Spring Festival begins on its eve and takes a week; the other festivals are a day, or the Monday after a weekend.
        for name, days in self.moving.items():
            is_week = name == "spring_festival"
            spans += [(day - timedelta(days=is_week), day + timedelta(days=6 * is_week)) for day in days if day.year == year]
        shifted = [(_monday(first), _monday(last)) if first == last else (first, last) for first, last in spans]
        trimmed = [[day for day in _days(first, last) if day.weekday() < 5] for first, last in shifted]
        return sorted((days[0], days[-1]) for days in trimmed if days)

    def missing_holidays(self) -> Iterator[str]:
        """Name each holiday after the days that are always known on which the calendar has a session: it was forgotten, or is stated otherwise."""
        for year in range(self.always_known_until.year + 1 if self.always_known_until < date.max else self.last_day.year + 1, self.last_day.year + 1):
            for name, days in self._statutory(year).items():
                if open_days := [day for day in days if day not in self.trades_on_holidays and day <= self.last_day and self.is_session(day)]:
                    listed = ", ".join(str(day) for day in open_days)
                    yield (
                        f"the closures of {year} lack {name}: {listed} would be {'a session' if len(open_days) == 1 else 'sessions'}; "
                        f"add {'it' if len(open_days) == 1 else 'them'} to closures, or to trades_on_holidays where the exchange does trade"
                    )

    def _statutory(self, year: int) -> dict[str, list[date]]:
        """Give by holiday the weekdays that must be closed: its own days, and the Monday where it falls on a weekend."""
        found = {"New Year (元旦)": [date(year, 1, 1)], "May Day (劳动节)": [date(year, 5, 1)]}
        found["National Day (国庆节)"] = [date(year, 10, day) for day in (1, 2, 3)]
        names = {
            "spring_festival": "the Spring Festival (春节)",
            "tomb_sweeping": "Tomb-sweeping Day (清明节)",
            "dragon_boat": "the Dragon Boat Festival (端午节)",
            "mid_autumn": "the Mid-Autumn Festival (中秋节)",
        }
        for name, days in self.moving.items():
            for day in (day for day in days if day.year == year):
                found[names[name]] = [day + timedelta(days=n) for n in range(3 if name == "spring_festival" else 1)]
        return {name: sorted({_monday(day) for day in days}) for name, days in found.items()}

    def extension(self, notice: str | None = None) -> str:
        """Give the text that extends the calendar by a year: with the closures of the exchange's notice, or as they are expected.

        Raises ValueError for a notice that cannot be read.
        """
        year = self.last_day.year + (1 if (self.last_day.month, self.last_day.day) == (12, 31) else 0)
        spans = ", ".join(
            f'"{first}"' if first == last else f'"{first}/{last}"'
            for first, last in (self.usual_closures(year) if notice is None else closed_spans(str(year), notice))
        )
        return f'last_day = "{year}-12-31"\n\n[closures]\n{year} = [{spans}]\n'

    def _require(self, day: date) -> None:
        if not self.first_day <= day <= self.last_day:
            raise CalendarHorizonError(
                f"{day} is outside the trading calendar ({self.first_day} to {self.last_day}); "
                "add the exchange's closures for that year to catalog/calendar.toml in the warehouse home"
            )


def horizon_of(message: str) -> date | None:
    """Give the last day of the calendar a CalendarHorizonError was about, from its message; None for any other message."""
    found = _HORIZON.search(message)
    return date.fromisoformat(found[1]) if found else None


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
    keys = ("first_day", "last_day", "always_known_until")
    firsts, lasts, known = ([day for file in files if (day := getattr(file, name))] for name in keys)
    lasts += [date(int(year), 12, 31) for file in files if file.last_day is None for year in file.notices]
    wrong: list[Wrong] = [((), f"key {name} is missing") for name, days in zip(keys, (firsts, lasts, known), strict=True) if not days]
    first, last = min(firsts, default=date.max), max(lasts, default=date.min)
    if missing := [str(year) for year in range(first.year, last.year + 1) if not any(str(year) in file.spans for file in files)]:
        wrong.append((("last_day",), f"the calendar reaches to {last} without the closures of {', '.join(missing)}; no year is free of holidays"))
    if found := faults(CALENDAR, texts[-1], wrong):
        raise WrongFileError(found)
    closed = {day for file in files for spans in file.spans.values() for start, end in spans for day in _days(start, end)}
    sessions = tuple(day for day in _days(first, last) if day.weekday() < 5 and day not in closed)
    opened, shut = ([day for file in files for day in getattr(file.fixings, kind)] for kind in ("open", "closed"))
    moving: dict[str, tuple[date, ...]] = {}
    for file in files:
        for name, days in file.holidays.model_dump().items() if file.holidays else ():
            moving[name] = (*moving.get(name, ()), *days)
    traded = frozenset(day for file in files for day in file.trades_on_holidays)
    # Of old is what the shipped file says: an operator's would change what was said before.
    return Calendar(first, last, sessions, frozenset(opened), frozenset(shut), known[0], moving, traded)


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


def _monday(day: date) -> date:
    """Give the day, or the Monday after it where it falls on a weekend: so the exchanges have closed since 2016."""
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() >= 5 else day


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
