"""Bars: which session a bar belongs to, and which files are no bars of a contract."""

import io
from dataclasses import replace
from datetime import date, datetime
from itertools import pairwise

import openpyxl
import polars as pl
import pytest
from feeds import NOON, Home, csv_file, delivery

from ingest.catalog.calendar import CalendarHorizonError, load_calendar
from ingest.catalog.configuration import Configuration
from ingest.source import SHANGHAI, Outcome, Parsed, PayloadError, Response
from ingest.sources.bars import Bars
from quality.raw import TABLES

TABLE = "bars__prices"
HEADER = "contract,event_ts,open,high,low,close,volume,oi"
NAME = "acme_bars_20250721.csv"


def line(event: str, contract: str = "ao2509", prices: str = "3150,3160,3140,3155", volume: str = "100", oi: str = "5000") -> str:
    return f"{contract},{event},{prices},{volume},{oi}"


def parse(*lines: str, header: str = HEADER, name: str = NAME) -> Parsed:
    source = Bars()
    request = source.recognise(name)
    assert request is not None
    body = csv_file(*lines, header=header)
    assert source.inspect(request, Response(body, NOON)).outcome is Outcome.OK
    return source.parse(request, body)


def placed(event: str) -> tuple[date, str] | str:
    parsed = parse(line(event))
    if parsed.rejects:
        return parsed.rejects[0].reason
    row = parsed.frames[TABLE].row(0, named=True)
    assert row["event_at"].astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") == event
    return row["trade_date"], row["session"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("2025-07-18 09:01", (date(2025, 7, 18), "am1")),
        ("2025-07-18 10:15", (date(2025, 7, 18), "am1")),
        ("2025-07-18 10:31", (date(2025, 7, 18), "am2")),
        ("2025-07-18 11:30", (date(2025, 7, 18), "am2")),
        ("2025-07-18 13:31", (date(2025, 7, 18), "pm")),
        ("2025-07-18 15:00", (date(2025, 7, 18), "pm")),
        # The night belongs to the session it opens: Friday night, also after midnight, is Monday.
        ("2025-07-17 21:01", (date(2025, 7, 18), "night")),
        ("2025-07-18 00:00", (date(2025, 7, 18), "night")),
        ("2025-07-18 01:00", (date(2025, 7, 18), "night")),
        ("2025-07-18 21:30", (date(2025, 7, 21), "night")),
        ("2025-07-18 23:59", (date(2025, 7, 21), "night")),
        ("2025-07-19 00:00", (date(2025, 7, 21), "night")),
        ("2025-07-19 00:30", (date(2025, 7, 21), "night")),
        ("2025-07-19 03:00", (date(2025, 7, 21), "night")),
        # Over New Year's Eve of the calendar year, and the last night of a make-up weekend.
        ("2024-12-30 21:30", (date(2024, 12, 31), "night")),
        ("2024-12-31 21:30", "no_session"),
        # No night before a public holiday: National Day, Spring Festival, Tomb-Sweeping, Labour Day, Dragon Boat.
        ("2025-09-30 21:30", "no_session"),
        ("2025-10-01 00:30", "no_session"),
        ("2025-01-27 21:30", "no_session"),
        ("2025-04-03 21:30", "no_session"),
        ("2025-04-30 22:00", "no_session"),
        ("2025-05-30 22:00", "no_session"),
        # The first night after one.
        ("2025-10-09 21:30", (date(2025, 10, 10), "night")),
        ("2025-07-19 09:30", "no_session"),
        ("2025-07-19 21:30", "no_session"),
        ("2025-07-21 00:30", "no_session"),
        ("2025-10-01 10:00", "no_session"),
        ("2025-07-18 03:01", "outside_session"),
        ("2025-07-18 09:00", "outside_session"),
        ("2025-07-18 10:20", "outside_session"),
        ("2025-07-18 12:00", "outside_session"),
        ("2025-07-18 15:01", "outside_session"),
        ("2025-07-18 21:00", "outside_session"),
        ("2013-12-31 10:00", "outside_calendar"),
    ],
)
def test_a_bar_belongs_to_the_session_the_calendar_says(event: str, expected: tuple[date, str] | str) -> None:
    if event.endswith("00:00"):  # a midnight bar stands among others
        parsed = parse(line(event), line(event.replace("-18 00:00", "-17 23:00").replace("-19 00:00", "-18 23:00")))
        assert not parsed.rejects
        row = parsed.frames[TABLE].row(0, named=True)
        assert (row["trade_date"], row["session"]) == expected
    else:
        assert placed(event) == expected


def test_every_night_of_the_calendar_opens_the_next_session_and_none_spans_a_closed_weekday() -> None:
    calendar = load_calendar()
    sessions = calendar.between(date(2023, 6, 19), date(2026, 12, 30))
    for evening, following in pairwise(sessions):
        closed = [day for n in range(1, (following - evening).days) if (day := evening.fromordinal(evening.toordinal() + n)).weekday() < 5]
        assert calendar.night_of(evening) == (None if closed else following)
    with pytest.raises(CalendarHorizonError):
        calendar.night_of(calendar.sessions[-1])


def test_the_house_names_and_the_chinese_ones_give_the_same_rows() -> None:
    chinese = parse(line("2025-07-18 10:00"), header="合约代码,日期时间,开盘价,最高价,最低价,收盘价,成交量,持仓量")
    assert chinese.frames[TABLE].equals(parse(line("2025-07-18 10:00")).frames[TABLE])
    assert parse(line("2025-07-18 10:00", "SHFE.ao2509")).frames[TABLE].equals(chinese.frames[TABLE])
    assert parse(line("20250718 10:00:00", "AO2509")).frames[TABLE].equals(chinese.frames[TABLE])


def test_every_figure_of_a_bar_is_kept() -> None:
    row = parse(line("2025-07-18 21:01", prices="3301,3346,3300,3338", volume="81234", oi="230549")).frames[TABLE].row(0, named=True)
    assert dict(parse(line("2025-07-18 21:01")).frames[TABLE].schema) == TABLES[TABLE].schema
    assert row == {
        "provider": "ACME", "product_id": "ao", "delivery_month_code": "2509", "event_at": datetime(2025, 7, 18, 21, 1, tzinfo=SHANGHAI),
        "trade_date": date(2025, 7, 21), "session": "night", "bar_length": "session", "open_price": 3301, "high_price": 3346, "low_price": 3300,
        "close_price": 3338, "volume_lots": 81234, "open_interest_lots": 230549, "extra": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("events", "length"),
    [
        (("09:01", "09:02", "09:03"), "1m"),
        (("09:05", "09:10", "10:15"), "5m"),
        (("10:15", "11:30", "15:00"), "session"),
    ],
)
def test_the_length_of_the_bars_is_found_inside_sessions(events: tuple[str, ...], length: str) -> None:
    frame = parse(*(line(f"2025-07-18 {event}") for event in events)).frames[TABLE]
    assert frame["bar_length"].unique().to_list() == [length]


@pytest.mark.parametrize("contract", ["ao0", "ao9999", "ao888", "AO主力", "ao", "aoL9", "氧化铝指数", "ao2513", "", "ao2509-ao2510"])
def test_a_chain_or_an_index_refuses_the_file(contract: str) -> None:
    with pytest.raises(PayloadError) as caught:
        parse(line("2025-07-18 10:00"), line("2025-07-18 10:01", contract))
    assert caught.value.verdict.reason == "no_single_contract"


@pytest.mark.parametrize(
    ("lines", "header", "reason"),
    [
        ((line("2025-07-18 10:00") + ",1.02",), HEADER + ",adj_factor", "adjusted_series"),
        ((line("2025-07-18 10:00"),), HEADER.replace("close", "后复权收盘价"), "adjusted_series"),
        ((line("2025-07-18 10:00", prices="3150.37,3160.11,3140.2,3155.9"),), HEADER, "adjusted_series"),
        ((line("2025-07-18 10:30"), line("2025-07-18 10:31")), HEADER, "stamped_at_begin"),
        ((line("2025-07-18 00:00"), line("2025-07-19 00:00")), HEADER, "no_times"),
        ((line("2025-07-18 10:00"), line("2025-07-18 10:00", volume="7")), HEADER, "two_values"),
        ((line("2025-07-18 10:00"),), HEADER.replace("oi", "持仓"), "missing_column"),
        ((line("2025-07-18 10:00"),), HEADER.replace("oi", "volume"), "repeated_header"),
        ((line("2025-07-18 10:00") + ",",), HEADER, "ragged"),
        ((), HEADER, "no_rows"),
    ],
)
def test_a_file_that_is_not_raw_bars_of_contracts_is_refused(lines: tuple[str, ...], header: str, reason: str) -> None:
    with pytest.raises(PayloadError) as caught:
        parse(*lines, header=header)
    assert caught.value.verdict.reason == reason
    assert caught.value.verdict.message


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (line("2025-07-18 10:00:37"), "no_bar_time"),
        (line("2025-07-18"), "unreadable_value"),
        (line(""), "no_value"),
        (line("2025-07-18 25:00"), "unreadable_value"),
        (line("1752804000"), "unreadable_value"),
        (line("2025-07-18 10:00", prices="3150,,3140,3155"), "no_value"),
        (line("2025-07-18 10:00", prices="3150,x,3140,3155"), "unreadable_value"),
        (line("2025-07-18 10:00", volume="1.5"), "unreadable_value"),
        (line("2025-07-18 10:00", volume=""), "no_value"),
        (line("2025-07-18 10:00", prices="3150.5,3160,3140,3155"), "off_tick"),
    ],
)
def test_a_bar_that_cannot_be_believed_is_put_aside_and_the_others_stay(bad: str, reason: str) -> None:
    parsed = parse(line("2025-07-18 10:01"), bad, line("2025-07-18 10:02"))
    assert [reject.reason for reject in parsed.rejects] == [reason]
    assert parsed.rejects[0].message.startswith("line 3: ")
    assert parsed.frames[TABLE].height == 2


def test_a_product_nobody_configured_is_held_to_no_tick() -> None:
    assert parse(line("2025-07-18 10:00", "au2512", prices="775.02,775.5,774.98,775")).frames[TABLE].height == 1


@pytest.mark.parametrize("prices", ["118850,118900,118800,118850", "118840,118860,118820,118840"])
def test_a_tick_that_was_changed_holds_in_its_old_and_its_new_size(prices: str) -> None:
    parsed = parse(line("2024-07-18 10:00", "lc2411", prices=prices))
    assert not parsed.rejects


def test_prices_outside_their_bar_and_holes_go_to_quarantine(home: Home) -> None:
    bad = [
        line("2025-07-18 10:01", prices="3161,3160,3140,3155"),
        line("2025-07-18 10:02", prices="3150,3160,3140,3139"),
        line("2025-07-18 10:03", prices="0,0,0,0"),
        line("2025-07-18 10:04", volume="-1"),
    ]
    body = csv_file(line("2025-07-18 10:00"), *bad, header=HEADER)
    home.take(delivery(NAME, body))
    assert home.rows(TABLE).height == 1
    assert {reason.split(":")[0] for _, reason in home.refused()} == {"open_outside_range", "close_outside_range", "zero_is_no_price", "volume_lots"}


def test_a_session_read_bar_by_bar_adds_up(home: Home) -> None:
    minutes = [datetime(2025, 7, 18, 21, 1 + n) for n in range(50)]
    lines = [line(f"{at:%Y-%m-%d %H:%M}", prices=f"{3300 + n},{3302 + n},{3299 + n},{3301 + n}", volume=str(10 + n)) for n, at in enumerate(minutes)]
    home.take(delivery(NAME, csv_file(*lines, header=HEADER)))
    rows = home.rows(TABLE)
    assert rows.select(pl.col("volume_lots").sum(), pl.col("high_price").max(), pl.col("low_price").min()).row(0) == (sum(range(10, 60)), 3351, 3299)
    assert rows["trade_date"].unique().to_list() == [date(2025, 7, 21)]
    assert rows["bar_length"].unique().to_list() == ["1m"]


def test_days_stamped_with_their_end_are_no_bars() -> None:
    days = [line("2025-07-17 15:00"), line("2025-07-18 15:00")]
    with pytest.raises(PayloadError, match="days are not bars") as caught:
        parse(*days)
    assert caught.value.verdict.reason == "daily_bars"
    assert not parse(*days, line("2025-07-18 11:30")).rejects


def test_as_many_bars_are_read_from_a_spreadsheet_as_from_text() -> None:
    """The limit of cells of any other sheet, 400,000, refused 59,900 bars of 8 columns that a CSV file may have."""
    configuration = Configuration()
    limits = configuration.limits
    object.__setattr__(limits, "sheet", replace(limits.sheet, cells=20))
    book, body = openpyxl.Workbook(), io.BytesIO()
    for row in (HEADER, *(line(f"2025-07-18 09:0{minute}") for minute in range(1, 5))):
        book.active.append(row.split(","))
    book.save(body)
    source = Bars(configuration)
    request = source.recognise(NAME.replace(".csv", ".xlsx"))
    assert request is not None
    assert source.parse(request, body.getvalue()).frames[TABLE].height == 4
