"""History comes in month by month, goes on where it was ended, asks nothing twice, and says when it will be through."""

from datetime import UTC, date, datetime, time, timedelta

import dagster as dg
import pytest
from feeds import Home, answer, quote

from ingest.backfill import Backfilled, Progress, backfill, ends_at, wanted, years_before
from ingest.catalog.calendar import load_calendar
from ingest.home import dedicate
from ingest.settings import Settings
from ingest.source import SHANGHAI, DataOrigin, Outcome, Request, Response
from ingest.sources.shfe import Shfe
from orchestration.command import history

CALENDAR, SOURCES = load_calendar(), (Shfe(today=lambda: date(2026, 1, 1)),)
FIRST, LAST = date(2025, 4, 28), date(2025, 5, 8)
SESSIONS = CALENDAR.between(FIRST, LAST)


class Host:
    """Answers for the exchange: quotes of each day, 404 for everything else; counts what it was asked."""

    def __init__(self, fails_after: int | None = None, blocks: str = "", body: bytes | None = None) -> None:
        self.asked: list[str] = []
        self.body = body
        self.fails_after, self.blocks, self.at = fails_after, blocks, datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request.name)
        self.at += timedelta(seconds=1)
        if self.fails_after is not None and len(self.asked) > self.fails_after:
            raise KeyboardInterrupt
        if request.feed == self.blocks:
            return Response(b"<script>prove that you are a browser</script>", self.at, 403)
        if self.body is not None:
            return Response(self.body, self.at, 200)
        if request.feed != "kx":
            return Response(b"not found", self.at, 404)
        assert request.day is not None
        return Response(answer([quote()], day=request.day), self.at, 200)


def _run(home: Home, host: Host, told: list[Progress] | None = None) -> object:
    tell = (told if told is not None else []).append
    return backfill(
        SOURCES, CALENDAR, (FIRST, LAST), host, home.archive, home.lake, "run", tell=tell, assumed_seconds=0.5, clock=lambda: float(len(host.asked))
    )


@pytest.fixture
def live(home: Home) -> Home:
    dedicate(home.settings, DataOrigin.LIVE)
    return home


def test_each_payload_is_asked_for_once_newest_month_first_and_never_again(live: Home) -> None:
    host, told = Host(), []
    done = _run(live, host, told)
    assert len(host.asked) == len(set(host.asked))
    quotes = [name for name in host.asked if name.startswith("kx")]
    assert sorted(quotes) == [f"kx{day:%Y%m%d}.dat" for day in SESSIONS]
    # May before April; no day of the holiday.
    assert [name[2:8] for name in quotes] == sorted((name[2:8] for name in quotes), reverse=True)
    assert (done.left, done.stopped) == (0, "")  # type: ignore[attr-defined]
    assert live.rows("shfe__daily_quotes").height == len(SESSIONS)
    # Half a second a request before any was timed, then a second, by the clock of this test.
    begin, *timed = told
    assert (begin.answered, begin.left, begin.seconds_left) == (0, len(timed), len(timed) / 2)
    assert [(one.answered, one.seconds_left) for one in timed] == [(n + 1, float(len(timed) - n - 1)) for n in range(len(timed))]
    again = Host()
    _run(live, again)
    assert again.asked == []


def test_a_backfill_that_was_ended_goes_on_where_it_was(live: Home) -> None:
    whole = Host()
    plan = wanted(SOURCES, CALENDAR, FIRST, LAST, live.fetch_log())
    first = Host(fails_after=9)
    with pytest.raises(KeyboardInterrupt):
        _run(live, first)
    _run(live, whole)
    once_more = set(first.asked) & set(whole.asked)
    assert once_more <= {first.asked[-1]}  # the one that was being asked for
    assert {*first.asked, *whole.asked} == {request.name for requests in plan.values() for request in requests}
    assert live.rows("shfe__daily_quotes").height == len(SESSIONS)


def test_a_feed_that_challenges_is_left_alone_and_asked_for_by_the_next(live: Home) -> None:
    host = Host(blocks="pm")
    done = _run(live, host)
    assert len([name for name in host.asked if name.startswith("pm")]) == 1
    assert done.stopped == "shfe/pm answered with a challenge and was left alone"  # type: ignore[attr-defined]
    assert done.left == len(SESSIONS)  # type: ignore[attr-defined]
    mended = Host()
    _run(live, mended)
    assert sorted(mended.asked) == [f"pm{day:%Y%m%d}.dat" for day in SESSIONS]


def test_what_the_host_does_not_have_is_not_asked_for_again(live: Home) -> None:
    _run(live, Host())
    outcomes = {attempt.outcome for attempt in live.fetch_log() if attempt.feed != "kx"}
    assert outcomes == {Outcome.NOT_PUBLISHED}


@pytest.mark.parametrize(
    "body", [b"<html><title>Log in</title></html>", b'{"o_curinstrument": [{"a', b"", b'{"code": 500}'], ids=["page", "half", "empty", "other"]
)
def test_something_else_than_data_ends_a_backfill_and_is_no_answer(live: Home, body: bytes) -> None:
    portal = Host(body=body)
    done = _run(live, portal)
    assert {name[6:8] for name in portal.asked if name.startswith("kx")} == {"05"}, "not a month further"
    assert "answers was data" in done.stopped and done.left > len(portal.asked)  # type: ignore[attr-defined]
    host = Host()
    _run(live, host)
    assert set(portal.asked) <= set(host.asked)
    assert live.rows("shfe__daily_quotes").height == len(SESSIONS)


def test_not_there_is_no_answer_when_it_was_said_on_the_day_itself(live: Home) -> None:
    def early(request: Request) -> Response:
        return Response(b"not found", datetime.combine(LAST, time(16), SHANGHAI), 404)

    done = backfill(SOURCES, CALENDAR, (LAST, LAST), early, live.archive, live.lake, "run")
    host = Host()
    _run(live, host)
    assert done.left and f"kx{LAST:%Y%m%d}.dat" in host.asked
    again = Host()
    assert _run(live, again).left == 0 and not again.asked  # type: ignore[attr-defined]


def test_history_ends_yesterday(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # A payload of today that is not out yet would be left, however often it is asked for.
    asked: list[tuple[date, date]] = []
    monkeypatch.setattr(history, "backfill", lambda sources, calendar, span, *_, **__: asked.append(span) or Backfilled())
    today = datetime.now(SHANGHAI).date()
    with dg.DagsterInstance.ephemeral() as instance:
        history.ask(settings, instance, 1, lambda _: None)
    assert today - timedelta(days=2) <= asked[0][1] < datetime.now(SHANGHAI).date()


def test_an_end_is_said_as_people_read_it() -> None:
    now = datetime(2026, 1, 1, 22, 0, tzinfo=SHANGHAI)
    assert ends_at(now, 3 * 3600 + 120) == "about 3 h 02 min, until 2026-01-02 01:02"
    assert ends_at(now, 5) == "about 1 min, until 2026-01-01 22:00"
    assert years_before(date(2024, 2, 29), 1) == date(2023, 2, 28)
    assert years_before(date(2026, 1, 1), 8) == date(2018, 1, 1)
