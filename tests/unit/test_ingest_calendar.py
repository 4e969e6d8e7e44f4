"""Which days the exchange trades: never guessed, never different from the two calendars others keep."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from ingest.catalog.calendar import CALENDAR_FILE, Calendar, CalendarHorizonError, load_calendar, parse_calendar, trading_days


@pytest.fixture(scope="module")
def calendar() -> Calendar:
    return load_calendar()


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # inside exchange_calendars 4.13, on the way to pandas 4
def test_the_calendar_is_that_of_the_shanghai_stock_exchange(calendar: Calendar) -> None:
    # SHFE and the stock exchange close on the same days; this library keeps them independently.
    import exchange_calendars

    theirs = exchange_calendars.get_calendar("XSHG", start="2014-01-01", end="2026-12-31")
    assert list(calendar.sessions) == [stamp.date() for stamp in theirs.sessions]
    assert len(calendar.sessions) > 3_000


def test_the_calendar_is_that_of_the_shared_file(calendar: Calendar, shared_data: Path) -> None:
    theirs = json.loads((shared_data / "calendar" / "cn_trading_days.json").read_text())
    assert [f"{day:%Y%m%d}" for day in calendar.sessions] == [day for day in theirs if day >= "20140101"]


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        ("2025-07-16", True),
        ("2025-07-13", False),  # a Sunday
        ("2025-10-01", False),  # National Day
        ("2025-09-28", False),  # a Sunday people worked on to make up for the holiday; exchanges stayed shut
        ("2025-10-09", True),
        ("2014-01-02", True),
        ("2026-12-31", True),
    ],
)
def test_sessions_are_told_from_closed_days(calendar: Calendar, day: str, is_open: bool) -> None:
    assert calendar.is_session(date.fromisoformat(day)) is is_open


@pytest.mark.parametrize("day", ["2013-12-31", "2027-01-01", "2027-01-04", "1999-01-04"])
def test_a_day_outside_the_calendar_is_an_error_with_advice(calendar: Calendar, day: str) -> None:
    wanted = date.fromisoformat(day)
    for ask in (lambda: calendar.is_session(wanted), lambda: calendar.between(wanted, wanted), lambda: trading_days(wanted, wanted)):
        with pytest.raises(CalendarHorizonError) as caught:
            ask()
        for word in (day, "2014-01-01", "2026-12-31", "catalog/calendar.toml", "closures"):
            assert word in str(caught.value)


def test_a_span_that_reaches_past_the_calendar_is_an_error_and_not_a_shorter_list(calendar: Calendar) -> None:
    with pytest.raises(CalendarHorizonError):
        calendar.between(date(2026, 12, 28), date(2027, 1, 5))
    with pytest.raises(CalendarHorizonError):
        calendar.between(date(2013, 12, 28), date(2014, 1, 5))


def test_a_span_includes_both_its_ends_and_may_be_empty() -> None:
    assert trading_days(date(2025, 7, 11), date(2025, 7, 15)) == [date(2025, 7, 11), date(2025, 7, 14), date(2025, 7, 15)]
    assert trading_days(date(2025, 7, 12), date(2025, 7, 13)) == []
    assert trading_days(date(2025, 7, 16), date(2025, 7, 14)) == []


def test_the_days_between_are_the_days_that_are_sessions(calendar: Calendar) -> None:
    first = date(2024, 9, 1)
    days = [first + timedelta(days=n) for n in range(60)]
    assert calendar.between(days[0], days[-1]) == [day for day in days if calendar.is_session(day)]


def test_an_operators_file_extends_the_calendar(tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text('last_day = "2027-12-31"\n[closures]\n2027 = ["2027-01-01", "2027-02-05/2027-02-11"]\n')
    extended = load_calendar(tmp_path)
    shipped = load_calendar()
    assert extended.sessions[: len(shipped.sessions)] == shipped.sessions
    assert extended.last_day == date(2027, 12, 31)
    assert not extended.is_session(date(2027, 1, 1))
    assert extended.is_session(date(2027, 1, 4))
    assert not any(extended.is_session(date(2027, 2, day)) for day in range(5, 12))
    with pytest.raises(CalendarHorizonError):
        extended.is_session(date(2028, 1, 3))


def test_an_operators_file_cannot_shorten_the_calendar_or_open_a_closed_day() -> None:
    shipped = CALENDAR_FILE.read_text(encoding="utf-8")
    merged = parse_calendar([shipped, 'last_day = "2020-12-31"\n[closures]\n2025 = ["2025-07-16"]\n'])
    assert merged.last_day == date(2026, 12, 31)
    assert not merged.is_session(date(2025, 7, 16))
    assert not merged.is_session(date(2025, 10, 1))


def test_a_folder_without_a_calendar_changes_nothing(tmp_path: Path) -> None:
    assert load_calendar(tmp_path) == load_calendar()


def test_a_later_horizon_without_that_years_closures_is_no_calendar() -> None:
    # Every public holiday of the new year would silently become a session: trading days are never guessed.
    with pytest.raises((ValueError, CalendarHorizonError)):
        parse_calendar([CALENDAR_FILE.read_text(encoding="utf-8"), 'last_day = "2027-12-31"\n']).is_session(date(2027, 10, 1))


def test_a_look_back_reaches_over_a_holiday_to_the_session_before_it() -> None:
    calendar = load_calendar()
    assert calendar.back(date(2025, 7, 22), 7) == date(2025, 7, 15)
    assert calendar.back(date(2025, 10, 9), 7) == date(2025, 9, 30)
    assert calendar.back(date(2025, 10, 8), 7) == date(2025, 9, 29)  # closed: the newest session is the 30th, and may not have come either
