"""What a run could not use, as people are told: the gravest first, a line a feed, and the cause where there is one."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ingest.archive import Attempt
from ingest.catalog.configuration import SHIPPED_ONLY
from ingest.problems import no_network, problems
from ingest.source import DataOrigin, Outcome, Source
from ingest.sources import SOURCES
from ingest.vendor import VendorSource

FEEDS = SHIPPED_ONLY.feeds


def attempt(feed: str, outcome: Outcome = Outcome.HTTP_ERROR, name: str = "x.dat", reason: str = "transport", status: int | None = None) -> Attempt:
    source, feed = feed.split("/")
    at = datetime(2025, 7, 22, 8, tzinfo=UTC)
    message = "no answer: ConnectError; the next run asks again"
    return Attempt(at, "run", source, feed, name, name, outcome, reason, message, status, 0, None, DataOrigin.LIVE)


def test_quotes_are_told_before_what_comes_first_by_source_and_each_feed_has_one_line() -> None:
    tried = [attempt("fx/latest"), attempt("new/feed")]
    tried += [attempt("shfe/pm", name=f"pm{day}.dat") for day in range(12)]
    tried += [attempt("shfe/kx", Outcome.BLOCKED, "kx1.dat"), attempt("shfe/js", Outcome.OK), attempt("shfe/kx", Outcome.FORMAT_CHANGED, "kx2.dat")]
    told = [str(problem) for problem in problems(tried, FEEDS)]
    assert [line.split(":")[0] for line in told] == [
        "shfe/kx (no price, basis, score or outlook of the day)",
        "shfe/kx (no price, basis, score or outlook of the day)",
        "shfe/pm (no member positions of the day)",
        "fx/latest (no exchange rate of the day, so no import margin)",
        "new/feed",
    ]
    assert (
        "http_error: pm0.dat, pm1.dat, pm2.dat, pm3.dat, pm4.dat, pm5.dat, pm6.dat, pm7.dat, pm8.dat, pm9.dat and 2 more: no answer: ConnectError"
        in told[2]
    )
    assert problems([attempt("shfe/kx", Outcome.OK)], FEEDS) == []


def test_the_sentence_of_a_group_is_that_of_a_payload_that_was_asked_for() -> None:
    held = replace(attempt("shfe/kx", name="kx1.dat", reason="held_back"), message="not asked for")
    (problem,) = problems([held, attempt("shfe/kx", name="kx2.dat")], FEEDS)
    assert problem.message == "no answer: ConnectError; the next run asks again"
    assert problem.names == ("kx2.dat", "kx1.dat")
    assert [problem.message for problem in problems([held], FEEDS)] == ["not asked for"]


def test_files_of_a_feed_that_are_refused_for_different_reasons_are_told_apart() -> None:
    unit = replace(attempt("spot/spot_price", Outcome.NOT_DATA, "a_20250716.csv"), message="a_20250716.csv, line 2: unit 'x' is not known")
    same = replace(attempt("spot/spot_price", Outcome.NOT_DATA, "b_20250717.csv"), message="b_20250717.csv, line 13: unit 'x' is not known")
    other = replace(attempt("spot/spot_price", Outcome.NOT_DATA, "c_20250718.csv"), message="c_20250718.csv: no line is the header of a table")
    assert [problem.names for problem in problems([unit, other, same], FEEDS)] == [("a_20250716.csv", "b_20250717.csv"), ("c_20250718.csv",)]


def test_a_name_is_not_told_twice() -> None:
    link = replace(attempt("shfe/kx", Outcome.NOT_DATA, "kx1.dat"), message="kx1.dat: not a regular file; links are not followed")
    (problem,) = problems([link], FEEDS)
    assert str(problem).endswith(": not_data: kx1.dat: not a regular file; links are not followed")


def test_no_network_is_said_where_nobody_answered_and_only_there() -> None:
    silent = [attempt("shfe/kx"), attempt("fx/latest"), attempt("shfe/kx", reason="held_back"), attempt("shfe/pm", Outcome.NO_SESSION)]
    assert no_network(silent) == (
        "no network: none of the 2 feeds that were asked gave an answer (no answer: ConnectError); "
        "nothing new was taken in, and the next run asks again"
    )
    assert no_network([*silent, attempt("gfex/wbill", Outcome.OK, status=200)]) == ""
    assert no_network([*silent, attempt("gfex/wbill", Outcome.BLOCKED, status=403)]) == ""
    assert no_network([attempt("shfe/kx", status=500)]) == ""
    assert no_network([]) == ""


@pytest.mark.parametrize("source", [one for one in SOURCES if one.name != "catalog"], ids=lambda one: one.name)
def test_every_feed_says_what_is_lost_without_it(source: Source) -> None:
    known = {row.of for row in FEEDS.feed}
    feeds = {request.feed for day in (date(2025, 7, 22), date(2026, 7, 22), date.today()) for request in source.requests(day)}
    feeds |= set(source.feeds) if isinstance(source, VendorSource) else set()
    assert {f"{source.name}/{feed}" for feed in feeds} <= known
