"""Which days the exchange trades: never guessed, never different from the two calendars others keep."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.catalog.calendar import CALENDAR_FILE, Calendar, CalendarHorizonError, horizon_of, load_calendar, parse_calendar, trading_days
from ingest.catalog.notice import closed_spans
from ingest.source import ConfigurationError, Request
from ingest.sources.catalog import Catalog


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


# ---------------------------------------------------------------- past the end


REQUEST = Request("catalog", "catalog", "calendar.toml", "calendar.toml")
SHIPPED_TEXT = CALENDAR_FILE.read_text(encoding="utf-8")
NEXT = 'last_day = "2027-12-31"\n[closures]\n2027 = [{}]\n'
OF_2027 = [
    "2027-01-01", "2027-02-05/2027-02-11", "2027-04-05", "2027-05-03/2027-05-05", "2027-06-09", "2027-09-15", "2027-10-01/2027-10-07",
]  # fmt: skip


def extended(*closures: str, more: str = "") -> Calendar:
    return parse_calendar([SHIPPED_TEXT, NEXT.format(", ".join(f'"{span}"' for span in closures)) + more])


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
def test_the_moving_holidays_are_those_of_the_lunar_calendar(calendar: Calendar) -> None:
    from exchange_calendars import lunisolar_holidays as theirs

    tables = {
        "spring_festival": theirs.chinese_lunar_new_year_dates, "tomb_sweeping": theirs.qingming_festival_dates,
        "dragon_boat": theirs.dragon_boat_festival_dates, "mid_autumn": theirs.mid_autumn_festival_dates,
    }  # fmt: skip
    assert calendar.moving.keys() == tables.keys()
    for name, table in tables.items():
        assert list(calendar.moving[name]) == [day for stamp in table if 2016 <= (day := date.fromisoformat(str(stamp)[:10])).year <= 2033], name


@pytest.mark.parametrize("year", range(2016, 2027))
def test_no_real_calendar_lacks_a_holiday_that_must_be_closed(calendar: Calendar, year: int) -> None:
    held = Calendar(calendar.first_day, date(year, 12, 31), calendar.sessions, always_known_until=date(year - 1, 12, 31), moving=calendar.moving)
    assert list(held.missing_holidays()) == []


@pytest.mark.parametrize("year", [2019, 2020, 2021, 2024, 2025, 2026])
def test_the_sessions_expected_of_a_year_are_nearly_those_it_had(calendar: Calendar, year: int) -> None:
    expected = {day for day in calendar.expected(date(year - 1, 12, 31)) if day.year == year}
    real = {day for day in calendar.sessions if day.year == year}
    assert len(expected ^ real) <= 3


def test_a_complete_extension_lacks_nothing() -> None:
    assert list(extended(*OF_2027).missing_holidays()) == []


@given(place=st.integers(0, len(OF_2027) - 1))
def test_whichever_holiday_is_left_out_is_named(place: int) -> None:
    names = ("元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节")
    (said,) = extended(*OF_2027[:place], *OF_2027[place + 1 :]).missing_holidays()
    assert names[place] in said
    assert "2027" in said


def test_a_holiday_half_left_out_is_named_and_one_the_exchange_trades_on_may_be_stated() -> None:
    half = ["2027-02-05", *OF_2027[2:], "2027-01-01"]
    (said,) = extended(*half).missing_holidays()
    assert "2027-02-08" in said  # the third day of the year is the Monday
    assert list(extended(*half, more="[fixings]\nopen = []\n").missing_holidays()) == [said]
    stated = parse_calendar([SHIPPED_TEXT, 'trades_on_holidays = ["2027-02-08"]\n' + NEXT.format(", ".join(f'"{span}"' for span in half))])
    assert list(stated.missing_holidays()) == []


def test_what_is_said_of_a_day_does_not_depend_on_a_later_extension(calendar: Calendar) -> None:
    later = extended(*OF_2027)
    for day in (date(2016, 1, 4), date(2026, 12, 31)):
        assert later.known_until(day) == calendar.known_until(day) == date(2026, 12, 31)
    assert later.known_until(date(2027, 1, 4)) == date(2027, 12, 31)
    assert later.expected(date(2026, 12, 31)) == calendar.expected(date(2026, 12, 31))
    before, after = (
        Catalog().parse(REQUEST, body.encode()).frames for body in (SHIPPED_TEXT, SHIPPED_TEXT + "\n#---\n" + NEXT.format('"2027-01-01"'))
    )
    for table in ("catalog__trading_days", "catalog__expected_days"):
        assert after[table].head(before[table].height).equals(before[table]), table


def test_an_operator_cannot_move_the_day_up_to_which_all_was_always_known() -> None:
    assert parse_calendar([SHIPPED_TEXT, 'always_known_until = "2030-12-31"\n']).always_known_until == date(2026, 12, 31)


def test_the_end_of_the_calendar_can_be_read_from_what_it_says(calendar: Calendar) -> None:
    with pytest.raises(CalendarHorizonError) as caught:
        calendar.is_session(date(2027, 1, 4))
    assert horizon_of(str(caught.value)) == calendar.last_day
    assert horizon_of("something else") is None


# ---------------------------------------------------------------- the exchange's notice

NOTICE = """关于2027年部分节假日休市安排的公告
一、元旦：1月1日（星期五）至1月3日（星期日）休市，1月4日（星期一）起照常开市。2026年12月31日（星期四）晚上不进行夜盘交易。
二、春节：2月5日（星期五）至2月11日（星期四）休市，2月12日（星期五）起照常开市。2月14日（星期日）、2月20日（星期六）为周末休市。
三、清明节：4月3日（星期六）至4月5日（星期一）休市；
四、劳动节：5月1日－5月5日（星期三）休市，
五、端午节：6月9日（星期三）休市。
六、中秋节：９月１５日休市。
七、国庆节：10月1日（星期五）至7日（星期四）休市。
"""


def test_the_notice_of_the_exchange_is_read_as_it_is() -> None:
    spans = closed_spans("2027", NOTICE)
    assert [f"{first:%m-%d} {last:%m-%d}" for first, last in spans] == [
        "01-01 01-03", "02-05 02-11", "04-03 04-05", "05-01 05-05", "06-09 06-09", "09-15 09-15", "10-01 10-07",
    ]  # fmt: skip
    pasted = parse_calendar([SHIPPED_TEXT, f'[notices]\n2027 = """\n{NOTICE}"""\n'])
    assert pasted.sessions == extended(*OF_2027).sessions
    assert pasted.last_day == date(2027, 12, 31)
    assert list(pasted.missing_holidays()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("没有日期", "no closed day of 2027"),
        ("劳动节：5月1日至4月5日休市", "ends before it begins"),
        ("国庆节：10月41日休市", "is no day of 2027"),
        ("国庆节：1日休市", "names no month"),
        ("2026年10月1日至7日休市", "no closed day of 2027"),
    ],
)
def test_a_notice_that_cannot_be_read_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        closed_spans("2027", text)
    with pytest.raises(ConfigurationError, match=said):
        parse_calendar([SHIPPED_TEXT, f'[notices]\n2027 = "{text}"\n'])


def test_the_text_that_extends_the_calendar_is_one_that_extends_it(calendar: Calendar) -> None:
    assert list(parse_calendar([SHIPPED_TEXT, calendar.extension()]).missing_holidays()) == []
    assert parse_calendar([SHIPPED_TEXT, calendar.extension(NOTICE)]).sessions == extended(*OF_2027).sessions
    twice = parse_calendar([SHIPPED_TEXT, calendar.extension(), parse_calendar([SHIPPED_TEXT, calendar.extension()]).extension()])
    assert twice.last_day == date(2028, 12, 31)
