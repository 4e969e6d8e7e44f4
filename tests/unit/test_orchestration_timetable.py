"""When runs are due: times follow from the publication clock, days from the exchange calendar, and no holiday raises an alarm."""

import tomllib
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from ingest.catalog.calendar import CalendarHorizonError, load_calendar
from ingest.catalog.documents import SHIPPED, load
from ingest.catalog.schemas import ClockFile, ScheduleFile
from ingest.home import dedicate
from ingest.settings import Settings
from ingest.source import SHANGHAI, DataOrigin
from ingest.sources import SOURCES
from orchestration.assets.freshness import judge, judge_day
from orchestration.assets.timetable import due_at, expected_session, grace, longest_pause, timetables

CALENDAR = load_calendar()
SPRING_FESTIVAL = [date(2023, 1, 24), date(2024, 2, 14), date(2025, 1, 30), date(2026, 2, 18)]
NATIONAL_DAY = [date(2023, 10, 3), date(2024, 10, 3), date(2025, 10, 3), date(2026, 10, 5)]


def _latest(dataset: str) -> str:
    rows = tomllib.loads((SHIPPED / "clock.toml").read_text())["clock"]
    return next(row["latest"] for row in rows if row["dataset"] == dataset)


def test_a_schedule_ticks_once_the_last_dataset_it_waits_for_is_due() -> None:
    for row in load(ScheduleFile).schedule:
        if row.waits_for:
            hour, minute = max(_latest(dataset) for dataset in row.waits_for).split(":")
            assert timetables()[row.name].minute == int(hour) * 60 + int(minute) + row.margin_minutes


def test_a_session_is_looked_at_until_the_last_dataset_is_overdue() -> None:
    known = timetables()
    ticks = (*known["after_close"].ticks, *known["evening"].ticks)
    assert list(ticks) == sorted(ticks)
    assert max(later - earlier for earlier, later in pairwise(ticks)) <= 30
    clock = {row.dataset: row for row in load(ClockFile).clock}
    overdue = max(clock[dataset].latest + load(ClockFile).grace(clock[dataset]) for dataset in known["evening"].waits_for)
    assert overdue == 20 * 60 + 30
    assert ticks[-1] == overdue + 5
    assert len(known["evening"].cron) == len(known["evening"].ticks)


def test_what_waits_for_no_data_runs_whether_or_not_the_exchange_is_open() -> None:
    tidy = timetables()["tidy"]
    assert (tidy.cron, tidy.reason_to_skip(date(2025, 10, 5), CALENDAR)) == (["0 6 * * 0"], None)


@pytest.mark.parametrize("day", SPRING_FESTIVAL + NATIONAL_DAY)
def test_a_holiday_on_a_weekday_is_skipped_with_a_reason(day: date) -> None:
    assert day.weekday() < 5
    for name in ("after_close", "evening", "weekly"):
        assert timetables()[name].reason_to_skip(day, CALENDAR) == f"the exchange is closed on {day}"


def test_a_session_is_not_skipped_and_past_the_calendar_nothing_is_guessed() -> None:
    assert timetables()["after_close"].reason_to_skip(date(2025, 7, 22), CALENDAR) is None
    with pytest.raises(CalendarHorizonError, match=r"add the exchange's closures for that year to catalog/calendar\.toml"):
        timetables()["after_close"].reason_to_skip(date(2027, 1, 4), CALENDAR)


def test_customs_keeps_its_yearly_window_weekends_included_and_rests_in_february() -> None:
    customs = timetables()["customs"]
    assert customs.reason_to_skip(date(2025, 7, 20), CALENDAR) is None  # a Sunday
    assert customs.reason_to_skip(date(2025, 7, 22), CALENDAR) == "customs releases from the 18th to the 20th in 2025"
    assert customs.reason_to_skip(date(2026, 7, 22), CALENDAR) is None
    assert "nothing in month 2" in str(customs.reason_to_skip(date(2025, 2, 18), CALENDAR))


def test_the_hours_of_four_years_raise_no_alarm_while_every_session_is_published_in_the_evening() -> None:
    """Each session is published when the evening run is done; the release is never overdue then, holidays included."""
    evening = timetables()["evening"].minute
    through, published, policy = None, None, longest_pause(CALENDAR) + grace()
    moment, end = datetime(2023, 1, 3, 12, tzinfo=SHANGHAI), datetime(2026, 12, 31, 23, tzinfo=SHANGHAI)
    alarms = []
    through = date(2022, 12, 30)
    published = moment
    while moment <= end:
        if CALENDAR.is_session(moment.date()) and moment.hour * 60 + moment.minute >= evening + 30 and through != moment.date():
            through, published = moment.date(), moment
        if not judge_day(through, expected_session(moment, CALENDAR)).passed or moment - published > policy:
            alarms.append(moment)
        moment += timedelta(minutes=30)
    assert alarms == []


@pytest.mark.parametrize("missed", [date(2024, 2, 8), date(2025, 9, 30), date(2025, 7, 18)])
def test_a_session_that_is_missing_is_an_alarm_the_same_evening_and_through_the_holiday(missed: date) -> None:
    before = CALENDAR.sessions[CALENDAR.sessions.index(missed) - 1]
    early, late = (datetime.combine(missed, datetime.min.time(), SHANGHAI) + timedelta(hours=hour) for hour in (20, 22))
    assert judge_day(before, expected_session(early, CALENDAR)).passed
    for moment in (late, late + timedelta(days=2)):
        verdict = judge_day(before, expected_session(moment, CALENDAR))
        assert not verdict.passed
        assert f"the session of {missed} is overdue" in verdict.message


def test_what_a_source_publishes_is_due_by_its_clock() -> None:
    by_name = {source.name: source for source in SOURCES}
    assert due_at(by_name["fx"], date(2025, 7, 22)) == datetime(2025, 7, 22, 9, 15, tzinfo=SHANGHAI)
    assert due_at(by_name["shfe"], date(2025, 7, 22)) == datetime(2025, 7, 22, 18, 0, tzinfo=SHANGHAI)


def test_the_timetable_names_no_time_of_its_own() -> None:
    text = (SHIPPED / "schedule.toml").read_text()
    named = [line for line in text.splitlines() if not line.startswith(("#", "source")) and ":" in line]
    assert named == ['at = "06:00"']  # of what waits for no data
    assert "hour" not in (Path(__file__).parents[2] / "orchestration/automation/schedules.py").read_text()


def test_a_daemon_sees_the_years_the_operator_adds_while_it_lives(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    dedicate(settings, DataOrigin.LIVE)
    monkeypatch.setattr("orchestration.assets.freshness.quoted_through", lambda _: date(2026, 12, 31))
    now = datetime(2027, 1, 5, 23, tzinfo=SHANGHAI)
    assert "outside the trading calendar" in judge(settings, now).message
    settings.catalog_overlay.mkdir(parents=True)
    extension = settings.catalog_overlay / "calendar.toml"
    extension.write_text('last_day = "2027-12-31"\n[closures]\n2027 = ["2027-01-01"]\n', encoding="utf-8")
    assert judge(settings, now).message == "published through 2026-12-31, the session of 2027-01-05 is overdue: alumina doctor"
    extension.write_text('last_day = "2027-12-31"\n[closures]\n2027 = ["2027-01-01", "2027-01-05"]\n', encoding="utf-8")
    assert "the session of 2027-01-04 is overdue" in judge(settings, now).message
    extension.write_text("last_day = 5", encoding="utf-8")
    assert judge(settings, now).message.startswith("catalogue file calendar.toml, line 1: key last_day: 5 is no day")
