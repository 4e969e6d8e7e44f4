"""A payload is overdue after the end of its clock window and a grace."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from feeds import Home, answer, delivery, quote

from ingest.catalog.calendar import load_calendar
from ingest.deadline import load_deadlines
from ingest.flow import Report, ingest
from ingest.origins import LiveOrigin
from ingest.source import SHANGHAI, Cadence, ConfigurationError, DataOrigin, Outcome, Request, Response, Source
from ingest.sources import SOURCES
from ingest.sources.customs import Customs
from ingest.sources.czce import Czce
from ingest.sources.fx import Fx
from ingest.sources.gfex import Gfex
from ingest.sources.policy import Policy
from ingest.sources.shfe import Shfe

DAY = date(2025, 7, 16)
INTRADAY = answer([quote(SETTLEMENTPRICE="")])
PLACEHOLDER = (
    '{"code": "0", "param": {"trade_date": ["20250716"]}, "data": [{"variety": "总计", "volumn": 0, "openInterest": 0, "turnover": 0}]}'.encode()
)
NO_FIXING = b'{"head": {"rep_code": "200"}, "data": {"searchlist": ["USD/CNY"], "flagMessage": ""}, "records": []}'


def at(clock: str) -> datetime:
    """A time of the day in Shanghai, given in UTC as responses carry it."""
    return datetime.fromisoformat(f"2025-07-16T{clock}+08:00").astimezone(UTC)


@dataclass
class Exchange:
    """Answers every request alike, at a given time."""

    at: datetime
    body: bytes = b""
    status: int = 404

    def __call__(self, request: Request) -> Response:
        return Response(self.body, self.at, self.status)


def ask(home: Home, source: Source, exchange: Exchange, day: date = DAY) -> Report:
    return ingest([source], LiveOrigin(day, day, load_calendar(), exchange), home.archive, home.lake, "run")


def test_every_live_request_has_a_deadline_and_nothing_is_due_before_its_window_ends() -> None:
    deadlines = load_deadlines()
    sources: tuple[Source, ...] = (Shfe(lambda: DAY), Gfex(), Czce(), Customs(), Fx(lambda: DAY), Policy(lambda: DAY))
    assert {source.name for source in sources} == {source.name for source in SOURCES if list(source.requests(DAY)) or source.name == "policy"}
    due = {f"{request.source}/{request.feed}": deadlines.of(request) for source in sources for request in source.requests(DAY)}
    assert {feed: f"{time:%m-%d %H:%M}" for feed, time in due.items() if time} == {
        "shfe/kx": "07-16 16:30", "shfe/js": "07-16 16:30", "shfe/pm": "07-16 20:30", "shfe/dailystock": "07-16 20:30",
        "shfe/settlement": "07-16 18:00", "shfe/limits": "07-16 18:00", "shfe/trading_day": "07-16 09:30",
        "gfex/day_quotes": "07-16 17:00", "gfex/wbill": "07-16 20:30", "fx/history": "07-16 09:45", "fx/latest": "07-16 09:45",
        "policy/newsflash": "07-17 00:30", "customs/comtrade": "11-02 00:00", "shfe/contracts": "07-16 18:00",
        "czce/quotes": "07-16 17:00", "czce/ranking": "07-16 18:00",
    }  # fmt: skip
    assert all(due.values())
    (weekly,) = (request for request in Shfe().requests(date(2025, 7, 18)) if request.feed == "weeklystock")
    assert f"{deadlines.of(weekly):%m-%d %H:%M}" == "07-23 00:00"  # reports three days late are on record


@pytest.mark.parametrize(
    ("source", "feed", "before", "after", "body", "status", "reason"),
    [
        (Shfe(), "kx", "16:29", "16:30", b"", 404, "not_found"),
        (Shfe(), "kx", "15:40", "21:00", INTRADAY, 200, "unsettled"),
        (Shfe(), "pm", "20:29", "20:30", b"", 404, "not_found"),
        (Gfex(), "day_quotes", "16:59", "17:00", PLACEHOLDER, 200, "placeholder"),
        (Fx(), "history", "09:44", "09:45", NO_FIXING, 200, "no_fixing"),
    ],
)
def test_not_published_is_news_before_the_deadline_and_a_failure_from_then_on(
    home: Home, source: Source, feed: str, before: str, after: str, body: bytes, status: int, reason: str
) -> None:
    early = ask(home, source, Exchange(at(before), body, status))
    (receipt,) = (receipt for receipt in early.fetch_log if receipt.feed == feed)
    assert (receipt.outcome, receipt.reason, receipt.is_failure) == (Outcome.NOT_PUBLISHED, reason, False)
    assert "; due by 2025-07-16 " in receipt.message
    assert receipt not in early.problems
    late = ask(home, source, Exchange(at(after), body, status))
    (receipt,) = (receipt for receipt in late.problems if receipt.feed == feed)
    assert (receipt.outcome, receipt.reason, receipt.is_failure) == (Outcome.NOT_PUBLISHED, "overdue", True)
    assert "; overdue since 2025-07-16 " in receipt.message
    assert "ask again with `alumina run --source live`" in receipt.message
    assert [kept for kept in home.fetch_log() if kept.feed == feed][-1] == receipt


def test_a_month_is_overdue_at_comtrade_when_nineteen_have_passed(home: Home) -> None:
    unreported = Exchange(at("12:00"), b'{"count": 0, "data": [], "error": ""}', 200)
    report = ask(home, Customs(), unreported)  # asks for April 2024
    assert {(receipt.outcome, receipt.reason) for receipt in report.fetch_log} == {(Outcome.NOT_PUBLISHED, "not_reported")}
    assert report.problems == []
    unreported.at = datetime(2025, 11, 2, tzinfo=SHANGHAI)
    report = ask(home, Customs(), unreported)
    assert {receipt.reason for receipt in report.problems} == {"overdue"}
    assert "overdue since 2025-11-02 00:00" in report.problems[0].message


@pytest.mark.parametrize("body", [b"", b"<script>x</script>", b"{"])
def test_other_failures_keep_their_own_reason_however_late_it_is(home: Home, body: bytes) -> None:
    report = ask(home, Shfe(), Exchange(at("23:00"), body, 200))
    assert {receipt.outcome for receipt in report.problems} <= {Outcome.NOT_DATA, Outcome.BLOCKED}
    assert "overdue" not in {receipt.reason for receipt in report.fetch_log}


def test_a_file_that_is_not_final_is_a_failure_at_any_hour_and_never_overdue(home: Home) -> None:
    # Nobody asks for it again: the person who dropped it must hear of it now.
    report = home.take(delivery("kx20250716.dat", INTRADAY, at("15:40")), delivery("kx20250716.dat", INTRADAY, at("23:00")))
    assert [(receipt.reason, receipt.is_failure, receipt.data_origin) for receipt in report.problems] == [("unsettled", True, DataOrigin.FILES)] * 2


def test_an_operators_clock_moves_the_deadline_and_may_leave_a_dataset_out(tmp_path: Path) -> None:
    row = '[[clock]]\ndataset = "shfe__daily_quotes"\nday_offset = 1\nearliest = "00:00"\nlatest = "08:00"\nlabel = "assumed"\nsource = "x"\n'
    requests = {request.feed: request for request in Shfe().requests(DAY)}
    for text, hour in ((row, 8), ("grace_minutes = 60\n" + row, 9), ("grace_minutes = 60\n" + row + "grace_minutes = 120\n", 10)):
        (tmp_path / "clock.toml").write_text(text)
        deadlines = load_deadlines(tmp_path)
        assert deadlines.of(requests["kx"]) == datetime(2025, 7, 17, hour, tzinfo=SHANGHAI)
        assert deadlines.of(requests["pm"]) is None
    (tmp_path / "clock.toml").write_text(row.replace("08:00", "8 o'clock"))
    with pytest.raises(ConfigurationError, match=r"clock\.toml, line 5: clock shfe__daily_quotes, key latest: .8 o.clock. is not a time"):
        load_deadlines(tmp_path)


# ---------------------------------------------------------------- which days are asked for


def asked(source: Source, first: str, last: str) -> tuple[list[str], list[str]]:
    """Days a source was asked for, and days it was closed on."""
    known: list[str] = []

    def fetch(request: Request) -> Response:
        known.append(f"{request.key}")
        return Response(b"", datetime.now(UTC), 404)

    delivered = list(LiveOrigin(date.fromisoformat(first), date.fromisoformat(last), load_calendar(), fetch).deliveries([source]))
    closed = [request.key for request, response in delivered if response.verdict and response.verdict.outcome is Outcome.NO_SESSION]
    return sorted(set(known)), sorted(set(closed))


@dataclass(frozen=True)
class EveryDay:
    """The newsflash page as it asks on each day of a week."""

    name: str = "policy"
    parser_version: str = "1"
    tables: tuple[str, ...] = Policy().tables
    cadence: Cadence = Policy().cadence

    def requests(self, day: date) -> Iterator[Request]:
        yield from Policy(lambda: day).requests(day)

    recognise, inspect, parse = Policy().recognise, Policy().inspect, Policy().parse


def test_the_exchanges_are_asked_on_sessions() -> None:
    for source in (Shfe(), Gfex()):
        assert asked(source, "2024-02-08", "2024-02-10") == (["20240208"], ["20240209", "20240210"])


def test_cfets_is_asked_on_its_own_days() -> None:
    # New Year's Eve is no statutory holiday: it was fixed, though the exchanges were closed; a make-up Sunday has no fixing.
    assert asked(Fx(), "2024-02-08", "2024-02-12") == (["20240208", "20240209"], ["20240210", "20240211", "20240212"])
    assert asked(Fx(), "2025-04-25", "2025-04-28") == (["20250425", "20250428"], ["20250426", "20250427"])


def test_every_fixing_known_from_a_bank_falls_on_a_day_it_is_asked_for(shared_data: Path) -> None:
    calendar, wrong = load_calendar(), []
    before = ""
    for line in (shared_data / "fx/usd_cny.csv").read_text(encoding="utf-8-sig").splitlines()[1:]:
        day, *_, mid = line.split(",")
        if mid and mid != before and not calendar.is_open(Cadence.FIXINGS, date.fromisoformat(day)):
            wrong.append(day)  # one that repeats the day before was filled in by the collector
        before = mid or before
    assert wrong == []


def test_comtrade_is_asked_on_weekdays_of_a_holiday_and_flashes_on_a_weekend() -> None:
    on_holiday, closed = asked(Customs(), "2025-10-01", "2025-10-07")
    # Wednesday to Friday, Monday and Tuesday of the National Day week: one month of those China may have reported on each.
    assert {key[-6:] for key in on_holiday} == {"202407", "202405", "202404", "202410", "202409"}
    assert closed == []
    assert asked(EveryDay(), "2025-07-18", "2025-07-20") == (["20250718", "20250719", "20250720"], [])


def test_past_the_calendar_only_what_needs_it_stops() -> None:
    assert asked(EveryDay(), "2027-01-02", "2027-01-03") == (["20270102", "20270103"], [])
    with pytest.raises(Exception, match="outside the trading calendar"):
        asked(Fx(), "2027-01-04", "2027-01-04")


def test_an_operator_adds_days_of_fixings(tmp_path: Path) -> None:
    (tmp_path / "calendar.toml").write_text('[fixings]\nopen = ["2025-10-11"]\nclosed = ["2025-10-10"]\n')
    calendar = load_calendar(tmp_path)
    days = {day: calendar.is_open(Cadence.FIXINGS, day) for day in (date(2025, 10, 9) + timedelta(days=n) for n in range(3))}
    assert list(days.values()) == [True, False, True]
    assert calendar.is_open(Cadence.SESSIONS, date(2025, 10, 10))
    assert calendar.is_open(Cadence.FIXINGS, date(2024, 2, 9)), "the shipped days stay"
