"""When a run is due: the publication clock and the exchange calendar, read as a timetable. Pure; knows nothing of Dagster.

Closed days are known, never guessed: past the end of the calendar every question raises CalendarHorizonError.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache

from ingest.catalog.calendar import Calendar
from ingest.catalog.documents import load
from ingest.catalog.schemas import Clock, ClockFile, Schedule, ScheduleFile
from ingest.source import SHANGHAI, Source

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Timetable:
    """One schedule: when it ticks, on which days it has something to do, and how far back its run asks."""

    name: str
    on: str
    ticks: tuple[int, ...]
    """Minutes after midnight in Shanghai: the first when everything it waits for is due, the others to look again, the last when it is overdue."""
    lookback_days: int
    source: str
    waits_for: tuple[str, ...]
    window: dict[str, list[int]] = field(default_factory=dict)
    no_release: tuple[int, ...] = ()
    job: str = "daily"

    @property
    def cron(self) -> list[str]:
        """Cron lines of its ticks, Asia/Shanghai."""
        match self.on:
            case "session":
                days = "* * 1-5"
            case "month":
                days = f"{min(first for first, _ in self.window.values())}-{max(last for _, last in self.window.values())} * *"
            case weekday:
                days = f"* * {(WEEKDAYS.index(weekday) + 1) % 7}"
        return [f"{minute % 60} {minute // 60} {days}" for minute in self.ticks]

    @property
    def minute(self) -> int:
        """The first tick of a day."""
        return self.ticks[0]

    def reason_to_skip(self, day: date, calendar: Calendar) -> str | None:
        """Say why there is nothing to do on a day, or None; raises CalendarHorizonError outside the calendar."""
        if self.on == "month":
            first, last = self.window.get(str(day.year), self.window["*"])
            if day.month in self.no_release:
                return f"customs releases nothing in month {day.month}"
            return None if first <= day.day <= last else f"customs releases from the {first}th to the {last}th in {day.year}"
        return None if not self.waits_for or calendar.is_session(day) else f"the exchange is closed on {day}"


@cache
def timetables() -> dict[str, Timetable]:
    """Give every schedule of the shipped catalogue by name."""
    return {
        row.name: Timetable(
            row.name,
            row.on,
            _ticks(row),
            row.lookback_days,
            row.source,
            tuple(row.waits_for),
            row.window,
            tuple(row.no_release),
            row.job,
        )
        for row in _schedules().schedule
    }


def _ticks(row: Schedule) -> tuple[int, ...]:
    if row.at is not None:
        return (row.at,)
    windows = [_clock()[dataset] for dataset in row.waits_for]
    first = max(window.latest for window in windows) + row.margin_minutes
    if row.again_minutes is None:
        return (first,)
    overdue = max(first, max(window.latest + load(ClockFile).grace(window) for window in windows) + row.margin_minutes)
    ticks = (*range(first, overdue, row.again_minutes), overdue)
    if row.hands_over_to is None:
        return ticks
    (heir,) = (other for other in _schedules().schedule if other.name == row.hands_over_to)
    return tuple(minute for minute in ticks if minute == first or minute < _ticks(heir)[0])


def due_at(source: Source, day: date) -> datetime:
    """Give the time at which everything a source publishes about a day should be there; the end of the day where no clock says."""
    minutes = [row.latest for table in source.tables if (row := _clock().get(table)) and row.day_offset == 0]
    return _at(day, max(minutes, default=24 * 60))


def expected_session(now: datetime, calendar: Calendar) -> date | None:
    """Give the last session a release must hold by now; None before the calendar's first. Raises CalendarHorizonError past its end."""
    moment = now.astimezone(SHANGHAI) - timedelta(minutes=timetables()[_schedules().freshness.after].minute) - grace()
    calendar.is_session(now.astimezone(SHANGHAI).date())
    place = bisect_right(calendar.sessions, moment.date())
    return calendar.sessions[place - 1] if place else None


def longest_pause(calendar: Calendar) -> timedelta:
    """Give the longest time from the evening of one session to that of the next: Spring Festival or National Day."""
    return max(later - earlier for earlier, later in zip(calendar.sessions, calendar.sessions[1:], strict=False))


def grace() -> timedelta:
    """How long after the evening run a release may take."""
    return timedelta(minutes=_schedules().freshness.grace_minutes)


def minute_of(moment: datetime) -> int:
    """Minutes after midnight in Shanghai."""
    local = moment.astimezone(SHANGHAI)
    return local.hour * 60 + local.minute


def _at(day: date, minute: int) -> datetime:
    return datetime.combine(day, time(), SHANGHAI) + timedelta(minutes=minute)


@cache
def _schedules() -> ScheduleFile:
    return load(ScheduleFile)


@cache
def _clock() -> dict[str, Clock]:
    return {row.dataset: row for row in load(ClockFile).clock}
