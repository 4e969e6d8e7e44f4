"""The sources as they really behave, replayed on loopback: real-format payloads, real failure modes, no other address touched."""

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl
import pytest
from feeds import answer, quote, warrant
from test_sources_czce import BLOCK, END, FIRST, PLACES, SH509, SUM, holding
from test_sources_czce import quotes as czce_quotes
from test_sources_fx import history, row
from test_sources_gfex import NOTHING, SUBTOTAL, TOTAL, UNDATED, quotes, receipts
from test_sources_gfex import quote as gfex_quote
from test_sources_gfex import warrant as gfex_warrant
from test_sources_shfe_parameters import contracts, listed
from test_sources_shfe_weekly import place as weekly_place
from test_sources_shfe_weekly import report

from ingest import sample
from ingest.archive import Archive
from ingest.catalog.calendar import load_calendar
from ingest.flow import Report, ingest
from ingest.http import HttpClient, Pace
from ingest.lake import Lake
from ingest.origins import LiveOrigin
from ingest.source import SHANGHAI, Cadence, Outcome, Request, Response, Source
from ingest.sources import SOURCES
from ingest.sources.customs import Customs
from ingest.sources.czce import Czce
from ingest.sources.fx import Fx
from ingest.sources.gfex import Gfex
from ingest.sources.policy import Policy
from ingest.sources.shfe import Shfe
from quality.raw import TABLES

SITES = {
    "https://www.shfe.com.cn", "http://www.gfex.com.cn", "https://www.czce.com.cn", "https://www.chinamoney.com.cn", "https://comtradeapi.un.org", "https://www.shmet.com",
}  # fmt: skip
GOLDEN = Path(__file__).parents[1] / "payloads"
DAY = date(2025, 7, 16)
STAMP = "20250716"
CHALLENGE = ("<!DOCTYPE html><html><head><title>WEB 应用防火墙</title></head><body><div id='captcha'></div></body></html>" + " " * 9000).encode()


@dataclass
class Answer:
    """What the replay server says at one address."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Close the connection after this many bytes."""
    slow: bool = False
    drip: bool = False
    """A byte every 20 ms after the first half."""


class Replay:
    """A server on loopback that knows the sources' addresses; answers can be changed between requests."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        """By the whole question (method, address, body) or by the last part of the path."""
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.release = threading.Event()
        replay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                line = f"{self.command} {self.path} {sent}".strip()
                replay.asked.append(line)
                replay.headers.append(dict(self.headers))
                known = replay.answers.get(line) or replay.answers.get(self.path.rsplit("/", 1)[-1])
                missing = Answer(b"<html><title>404</title></html>", 404)
                if known is None and self.command == "GET" and any(other.startswith(f"POST {self.path}") for other in replay.answers):
                    missing = Answer(b"", 520)  # what GFEX says to a GET
                answer = (known.pop(0) if len(known) > 1 else known[0]) if known else missing
                with suppress(OSError):  # a client that gives up is part of the tests
                    self.give(answer)

            do_POST = do_GET

            def give(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                if answer.slow:
                    replay.release.wait(5)
                half = len(answer.body) // 2
                self.wfile.write(answer.body[: half if answer.drip else answer.cut])
                for place in range(half, len(answer.body) if answer.drip else 0):
                    if replay.release.wait(0.02):
                        break
                    self.wfile.write(answer.body[place : place + 1])

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    """The server; whoever talks to another address fails the test."""
    connect = socket.create_connection

    def only_loopback(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        assert address[0] == "127.0.0.1", f"{address} was asked"
        return connect(address, *arguments, **options)

    monkeypatch.setattr(socket, "create_connection", only_loopback)
    monkeypatch.setenv("NO_PROXY", "*")
    site = Replay()
    yield site
    site.release.set()
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture(scope="module")
def payloads() -> dict[str, bytes]:
    """Real-format payloads of two sessions, from the sample."""
    return {request.name: response.body for request, response in sample.deliveries(DAY, date(2025, 7, 17), ("shfe",))}


@dataclass
class Warehouse:
    """Archive and lake that live requests are taken into, with waiting instead of sleeping, at an hour of the test's choice."""

    root: Path
    site: Replay
    waited: list[float] = field(default_factory=list)
    at: datetime = datetime(2025, 7, 16, 15, 30, tzinfo=SHANGHAI)
    is_asked: Callable[[Request], bool] = lambda request: True
    timeout: float = 10.0
    deadline: float = 30.0

    def fetch(self, request: Request) -> Response:
        assert request.url is not None
        address = urlsplit(request.url)
        origin = f"{address.scheme}://{address.netloc}"
        assert origin in SITES
        if not self.is_asked(request):
            return Response(b"", self.at, 404)
        pace = Pace(seconds_between=0.5, retry_after=(1.0, 2.0), timeout=self.timeout, deadline=self.deadline)
        client = HttpClient(pace, sleep=self.waited.append, now=lambda: self.at.astimezone(UTC))
        return client.fetch(replace(request, url=request.url.replace(origin, self.site.url)))

    def run(self, first: date = DAY, last: date = DAY, source: Source | None = None) -> Report:
        origin = LiveOrigin(first, last, load_calendar(), self.fetch)
        return ingest([source or Shfe()], origin, Archive(self.root / "archive"), Lake(self.root / "lake"), "run")

    def outcomes(self, report: Report) -> dict[str, Outcome]:
        return {feed: outcome for (_, feed, outcome), count in report.outcomes.items() if count}

    def rows(self, table: str) -> pl.DataFrame:
        files = sorted((self.root / "lake" / table).rglob("*.parquet"))
        return pl.concat([pl.read_parquet(file) for file in files]) if files else pl.DataFrame()


@pytest.fixture
def warehouse(tmp_path: Path, replay: Replay) -> Warehouse:
    return Warehouse(tmp_path, replay)


# ---------------------------------------------------------------- every live feed


@dataclass(frozen=True)
class Feed:
    """One live feed: what is asked, what the site answers when all is well, when it is too early, and an hour after."""

    source: Source
    feed: str
    day: date
    line: str
    """The question as the site wants it: method, address below the host, body."""
    table: str
    good: bytes
    revised: bytes
    early: bytes | None = None
    """What stands there before the payload does, under status 200; None where the address answers 404."""
    late: datetime | None = None
    """An hour at which it is overdue, where that is not the evening of the day."""

    def is_mine(self, request: Request) -> bool:
        return request.feed == self.feed and (self.feed != "comtrade" or "_2818_X_" in request.key)

    def receipt(self, report: Report) -> Any:
        (receipt,) = (receipt for receipt in report.fetch_log if self.feed == receipt.feed and receipt.request_name in self.names)
        return receipt

    @property
    def names(self) -> set[str]:
        return {request.name for request in self.source.requests(self.day) if self.is_mine(request)}


def _changed(body: bytes, old: str, new: str) -> bytes:
    text = body.decode()
    assert old in text
    return text.replace(old, new).encode()


KX = answer([quote(), quote(month="2510"), quote(month="2511", OPENINTEREST=70)])
STOCK = answer([warrant(), warrant("乙库", qty=600)], "o_cursor")
GFEX_QUOTES = quotes(TOTAL | {"volumn": 100}, gfex_quote(), SUBTOTAL)
GFEX_RECEIPTS = receipts(UNDATED | {"lastWbillQty": 320, "wbillQty": 300, "diff": -20}, gfex_warrant())
HISTORY = history(row("2025-03-13", "7.1720"))
LATEST = (GOLDEN / "fx/fixings/cfets_ccpr_20250313.json").read_bytes()
COMTRADE = (GOLDEN / "customs/portal_and_comtrade/156_0_2818_X_202403.json").read_bytes()
FLASHES = (GOLDEN / "policy/events_and_flashes/shmet_newsflash_20250311.json").read_bytes()
PAGE = (GOLDEN / "shfe/receipts_in_both_forms/dailystock_20251114/ZH/all.html").read_bytes()
MARCH = date(2025, 3, 13)
DAILY = "/data/tradedata/future"
ZHENGZHOU = "/cn/DFSStaticFiles/Future/2025/20250716"
WEEKLY = report(weekly_place(), weekly_place("乙库"))
CONTRACTS = contracts(listed())
CZCE_QUOTES = czce_quotes(SH509, SUM)
CZCE_RANKING = holding(BLOCK, PLACES, FIRST, END)

FEEDS = {
    "quotes": Feed(
        Shfe(), "kx", DAY, f"GET {DAILY}/dailydata/kx20250716.dat", "shfe__daily_quotes", KX,
        revised=_changed(KX, '"OPENINTEREST": 70', '"OPENINTEREST": 75'),
        early=answer([quote(SETTLEMENTPRICE=""), quote(month="2510", SETTLEMENTPRICE="")]),
    ),
    "receipts": Feed(
        Shfe(), "dailystock", DAY, f"GET {DAILY}/dailydata/20250716dailystock.dat", "shfe__warehouse_receipts", STOCK,
        revised=_changed(STOCK, '"WRTWGHTS": 600', '"WRTWGHTS": 900'),
    ),
    "receipts page": Feed(
        Shfe(), "dailystock_html", date(2025, 11, 14), f"GET {DAILY}/stockdata/dailystock_20251114/ZH/all.html", "shfe__warehouse_receipts", PAGE,
        revised=_changed(PAGE, "<td>4500</td>", "<td>4800</td>"),
    ),
    "weekly stock": Feed(
        Shfe(), "weeklystock", date(2025, 7, 18), f"GET {DAILY}/weeklydata/20250718weeklystock.dat", "shfe__weekly_stock", WEEKLY,
        revised=_changed(WEEKLY, '"WHSTOCKS": 45500', '"WHSTOCKS": 45000'), late=datetime(2025, 7, 23, tzinfo=SHANGHAI),
    ),
    "contracts": Feed(
        Shfe(), "contracts", DAY, "GET /data/busiparamdata/future/ContractBaseInfo20250716.dat", "shfe__contracts", CONTRACTS,
        revised=_changed(CONTRACTS, '"20250915"', '"20250916"'),
    ),
    "czce quotes": Feed(
        Czce(), "quotes", DAY, f"GET {ZHENGZHOU}/FutureDataDaily.txt", "czce__daily_quotes", CZCE_QUOTES,
        revised=_changed(CZCE_QUOTES, "2,000", "2,005"), early="当日无数据".encode(),
    ),
    "czce ranking": Feed(
        Czce(), "ranking", DAY, f"GET {ZHENGZHOU}/FutureDataHolding.txt", "czce__member_ranking", CZCE_RANKING,
        revised=_changed(CZCE_RANKING, "92,677", "92,678"),
    ),
    "gfex quotes": Feed(
        Gfex(), "day_quotes", DAY, "POST /u/interfacesWebTiDayQuotes/loadList trade_date=20250716&trade_type=0", "gfex__daily_quotes", GFEX_QUOTES,
        revised=_changed(GFEX_QUOTES, '"openInterest": 500', '"openInterest": 505'), early=quotes(NOTHING),
    ),
    "gfex receipts": Feed(
        Gfex(), "wbill", DAY, "POST /u/interfacesWebTdWbillWeeklyQuotes/loadList gen_date=20250716", "gfex__warehouse_receipts", GFEX_RECEIPTS,
        revised=_changed(GFEX_RECEIPTS, '"wbillQty": 300, "diff": -20', '"wbillQty": 310, "diff": -10'), early=receipts(UNDATED),
    ),
    "fixings": Feed(
        Fx(), "history", MARCH,
        "POST /ags/ms/cm-u-bk-ccpr/CcprHisNew startDate=2025-03-13&endDate=2025-03-13&currency=USD%2FCNY&pageNum=1&pageSize=50",
        "fx__central_parity", HISTORY, revised=_changed(HISTORY, "7.1720", "7.1721"), early=history(),
    ),
    "latest fixing": Feed(
        Fx(lambda: MARCH), "latest", MARCH, "GET /r/cms/www/chinamoney/data/fx/ccpr.json", "fx__central_parity", LATEST,
        revised=_changed(LATEST, "7.1720", "7.1721"), early=_changed(LATEST, "2025-03-13 9:15", "2025-03-12 9:15"),
    ),
    "comtrade": Feed(
        Customs(), "comtrade", date(2025, 6, 11),
        "GET /public/v1/preview/C/M/HS?reporterCode=156&partnerCode=0&cmdCode=2818&flowCode=X&period=202403",
        "customs__monthly_trade", COMTRADE, revised=_changed(COMTRADE, "3500000.0", "3500001.0"),
        early=b'{"count": 0, "data": [], "error": ""}', late=datetime(2025, 10, 2, tzinfo=SHANGHAI),
    ),
    "newsflash": Feed(
        Policy(lambda: date(2025, 3, 11)), "newsflash", date(2025, 3, 11),
        'POST /api/rest/news/queryNewsflashList {"currentPage":1,"pageSize":100,"content":"","flashTag":"1003"}',
        "policy__newsflash", FLASHES, revised=_changed(FLASHES, "测试快讯甲", "测试快讯甲（更正）"), late=datetime(2025, 3, 12, 1, tzinfo=SHANGHAI),
    ),
}  # fmt: skip


@pytest.fixture(params=FEEDS, ids=lambda name: name.replace(" ", "_"))
def feed(request: pytest.FixtureRequest) -> Feed:
    return FEEDS[request.param]


@pytest.fixture
def home(warehouse: Warehouse, feed: Feed) -> Warehouse:
    """A warehouse at a quarter past nine of the feed's day, which asks for that feed only."""
    warehouse.at = datetime.combine(feed.day, datetime.min.time(), SHANGHAI) + timedelta(hours=9, minutes=15)
    warehouse.is_asked = feed.is_mine
    return warehouse


def asked(home: Warehouse, feed: Feed) -> Any:
    """Run for the feed's day and give the feed's receipt."""
    return feed.receipt(home.run(feed.day, feed.day, feed.source))


def test_every_source_that_can_be_asked_live_is_replayed_and_no_other_address_can_be_reached(warehouse: Warehouse) -> None:
    addresses = {f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for case in FEEDS.values() for url in _urls(case)}
    assert addresses == SITES
    assert {case.source.name for case in FEEDS.values()} == {source.name for source in SOURCES if list(source.requests(DAY))} | {"policy"}
    (request, *_) = Shfe().requests(DAY)
    with pytest.raises(AssertionError, match=r"www\.shfe\.com\.cn.* was asked"):
        HttpClient(Pace(retry_after=())).fetch(request)


def _urls(case: Feed) -> list[str]:
    return [request.url for request in case.source.requests(case.day) if request.url and case.is_mine(request)]


def test_what_is_published_is_asked_for_once_in_the_sites_own_form_and_taken_in(home: Warehouse, feed: Feed) -> None:
    home.site.answers[feed.line] = [Answer(feed.good)]
    assert (asked(home, feed).outcome, home.site.asked) == (Outcome.OK, [feed.line])
    rows = home.rows(feed.table)
    assert rows.height > 0
    assert rows["data_origin"].unique().to_list() == ["live"]
    if feed.source.name in ("gfex", "fx"):
        assert home.site.headers[0]["Referer"].startswith(next(site for site in SITES if site in _urls(feed)[0]))
    again = home.run(feed.day, feed.day, feed.source)
    assert feed.receipt(again).outcome is Outcome.UNCHANGED
    assert sum(again.rows.values()) == 0


def test_what_is_not_there_yet_is_news_then_overdue_and_in_the_end_taken_in(home: Warehouse, feed: Feed) -> None:
    early = Answer(b"<html><title>404</title></html>", 404) if feed.early is None else Answer(feed.early)
    home.site.answers[feed.line] = [early, early, Answer(feed.good)]
    receipt = asked(home, feed)
    assert (receipt.outcome, receipt.is_failure) == (Outcome.NOT_PUBLISHED, False)
    home.at = feed.late or home.at.replace(hour=21)
    receipt = asked(home, feed)
    assert (receipt.outcome, receipt.reason, receipt.is_failure) == (Outcome.NOT_PUBLISHED, "overdue", True)
    assert "overdue since 2025-" in receipt.message
    assert home.rows(feed.table).is_empty()
    assert asked(home, feed).outcome is Outcome.OK
    assert home.rows(feed.table).height > 0


@pytest.mark.parametrize("page", [Answer(CHALLENGE), Answer(b"<script>x</script>", 412), Answer(b"", 412)], ids=["200", "412", "412 empty"])
def test_a_challenge_ends_the_feed_for_the_run(home: Warehouse, feed: Feed, page: Answer) -> None:
    home.site.answers[feed.line] = [page]
    report = home.run(feed.day, feed.day + timedelta(days=1), feed.source)
    mine = [receipt for receipt in report.fetch_log if receipt.reason in ("challenge", "held_back") and receipt.feed == feed.feed]
    assert mine[0].outcome is Outcome.BLOCKED
    assert {receipt.reason for receipt in mine[1:]} <= {"held_back"}
    assert home.site.asked == [feed.line]
    assert home.rows(feed.table).is_empty()


def _modes(good: bytes) -> dict[str, tuple[Answer, Outcome, int]]:
    """Ways to fail: the answer, what becomes of it, and how often it is asked for."""
    packed, half = gzip.compress(good), len(good) // 2
    return {
        "slow body": (Answer(good, slow=True), Outcome.HTTP_ERROR, 3),
        "dripping body": (Answer(good, drip=True), Outcome.HTTP_ERROR, 1),
        "connection closed early": (Answer(good, cut=half), Outcome.HTTP_ERROR, 3),
        "length too long": (Answer(good, headers={"Content-Length": str(len(good) + 9)}), Outcome.HTTP_ERROR, 3),
        "length too short": (Answer(good, headers={"Content-Length": str(half)}), Outcome.NOT_DATA, 1),
        "truncated": (Answer(good[:half]), Outcome.NOT_DATA, 1),
        "truncated by one byte": (Answer(good.rstrip()[:-1]), Outcome.NOT_DATA, 1),
        "packed and truncated": (Answer(packed[: len(packed) // 2], headers={"Content-Encoding": "gzip"}), Outcome.NOT_DATA, 1),
        "redirect": (Answer(b"", 302, {"Location": "/elsewhere"}), Outcome.HTTP_ERROR, 1),
        "server error": (Answer(b"broken", 503), Outcome.HTTP_ERROR, 1),
        "empty": (Answer(b""), Outcome.NOT_DATA, 1),
        "soft 404": (Answer(b"<html><head><title>404</title></head></html>"), Outcome.NOT_DATA, 1),
    }


@pytest.mark.parametrize("mode", _modes(b"{}"))
def test_a_failed_answer_has_its_outcome_only_the_network_is_retried_and_the_next_run_heals(home: Warehouse, feed: Feed, mode: str) -> None:
    failed, outcome, attempts = _modes(feed.good)[mode]
    home.timeout, home.deadline = 0.1 if failed.slow else 10.0, 0.2 if failed.drip else 30.0
    home.site.answers[feed.line] = [failed]
    receipt = asked(home, feed)
    assert (receipt.outcome, receipt.is_failure) == (outcome, True)
    assert len(receipt.message.split()) >= 4
    assert home.site.asked == [feed.line] * attempts
    assert home.waited.count(2.0) == (attempts == 3)
    assert home.rows(feed.table).is_empty()
    home.timeout, home.deadline = 10.0, 30.0
    home.site.answers[feed.line] = [Answer(feed.good)]
    assert asked(home, feed).outcome is Outcome.OK


def test_a_packed_answer_is_read(home: Warehouse, feed: Feed) -> None:
    home.site.answers[feed.line] = [Answer(gzip.compress(feed.good), headers={"Content-Encoding": "gzip"})]
    assert asked(home, feed).outcome is Outcome.OK


def test_an_answer_revised_an_hour_later_is_a_second_version_of_its_facts(home: Warehouse, feed: Feed) -> None:
    home.site.answers[feed.line] = [Answer(feed.good), Answer(feed.revised)]
    first = asked(home, feed)
    home.at += timedelta(hours=1)
    second = asked(home, feed)
    assert (first.outcome, second.outcome) == (Outcome.OK, Outcome.OK)
    rows = home.rows(feed.table)
    key = [name for name in TABLES[feed.table].key if name != "fetched_at"]
    versions = rows.group_by(key).agg(pl.col("payload_sha256").n_unique(), pl.col("fetched_at").max() - pl.col("fetched_at").min())
    assert versions["payload_sha256"].max() == 2
    assert versions["fetched_at"].max() == timedelta(hours=1)


def test_a_day_on_which_the_source_is_closed_is_not_asked_for(home: Warehouse, feed: Feed) -> None:
    """New Year's Eve of 2024: the exchanges are closed, CFETS is not, and whoever keeps no calendar is asked."""
    eve = date(2024, 2, 9)
    report = home.run(eve, eve, feed.source)
    mine = [receipt for receipt in report.fetch_log if receipt.feed == feed.feed]
    if feed.source.cadence is Cadence.SESSIONS:
        assert {receipt.outcome for receipt in mine} <= {Outcome.NO_SESSION}
        assert home.site.asked == []
    else:
        assert Outcome.NO_SESSION not in {receipt.outcome for receipt in mine}
    assert [receipt for receipt in report.problems if receipt.outcome is Outcome.NO_SESSION] == []


def test_gfex_answers_a_get_with_a_status_that_blocks(warehouse: Warehouse, replay: Replay) -> None:
    case = FEEDS["gfex quotes"]
    replay.answers[case.line] = [Answer(case.good)]
    (request, _) = case.source.requests(DAY)
    response = warehouse.fetch(replace(request, method="GET", form=None))
    assert (response.status, case.source.inspect(request, response).outcome) == (520, Outcome.BLOCKED)


# ---------------------------------------------------------------- the exchange's whole day


def _publish(site: Replay, payloads: dict[str, bytes]) -> None:
    site.answers = {name: [Answer(body)] for name, body in payloads.items()}


def test_a_published_day_is_taken_in_and_asked_for_once(warehouse: Warehouse, replay: Replay, payloads: dict[str, bytes]) -> None:
    _publish(replay, payloads)
    report = warehouse.run()
    assert {feed: outcome for feed, outcome in warehouse.outcomes(report).items() if feed in ("kx", "pm", "dailystock")} == dict.fromkeys(
        ("kx", "pm", "dailystock"), Outcome.OK
    )
    assert len(replay.asked) == len(set(replay.asked))
    assert warehouse.rows("shfe__daily_quotes")["data_origin"].unique().to_list() == ["live"]
    again = warehouse.run()
    assert again.count(Outcome.UNCHANGED) == report.count(Outcome.OK)
    assert sum(again.rows.values()) == 0


def test_a_closed_day_is_not_asked_for(warehouse: Warehouse, replay: Replay) -> None:
    report = warehouse.run(date(2025, 7, 12), date(2025, 7, 13))  # a weekend
    assert set(warehouse.outcomes(report).values()) == {Outcome.NO_SESSION}
    assert report.problems == []
    assert replay.asked == []


def test_a_404_on_a_session_day_is_not_published_yet_and_adds_nothing(warehouse: Warehouse) -> None:
    report = warehouse.run()
    assert set(warehouse.outcomes(report).values()) == {Outcome.NOT_PUBLISHED}
    assert report.problems == []  # it is half past three
    assert warehouse.rows("shfe__daily_quotes").is_empty()


@pytest.mark.parametrize(
    "page", [Answer(CHALLENGE), Answer(b"<script>x</script>", 412), Answer(b"", 403), Answer(b"busy", 429)], ids=["200", "412", "403", "429"]
)
def test_a_challenge_stops_the_feed_for_the_run_and_not_the_others(
    warehouse: Warehouse, replay: Replay, payloads: dict[str, bytes], page: Answer
) -> None:
    _publish(replay, payloads)
    replay.answers[f"kx{STAMP}.dat"] = [page]
    report = warehouse.run(DAY, date(2025, 7, 17))
    assert report.outcomes[("shfe", "kx", Outcome.BLOCKED)] == 2
    assert [receipt.reason for receipt in report.problems if receipt.feed == "kx"] == ["challenge", "held_back"]
    assert len([path for path in replay.asked if "/kx" in path]) == 1  # asked once, never hammered
    assert report.outcomes[("shfe", "dailystock", Outcome.OK)] == 2


def test_an_intraday_file_is_not_final_and_the_evening_one_is(warehouse: Warehouse, replay: Replay, payloads: dict[str, bytes]) -> None:
    intraday = json.loads(payloads[f"kx{STAMP}.dat"])
    for contract in intraday["o_curinstrument"]:
        contract["SETTLEMENTPRICE"] = ""
    _publish(replay, payloads)
    replay.answers[f"kx{STAMP}.dat"] = [Answer(json.dumps(intraday).encode()), Answer(payloads[f"kx{STAMP}.dat"])]
    first = warehouse.run()
    assert first.outcomes[("shfe", "kx", Outcome.NOT_PUBLISHED)] == 1
    assert "no settlement price yet" in next(receipt.message for receipt in first.fetch_log if receipt.feed == "kx")
    assert warehouse.rows("shfe__daily_quotes").is_empty()
    assert warehouse.run().outcomes[("shfe", "kx", Outcome.OK)] == 1
    assert warehouse.rows("shfe__daily_quotes").height > 10


def test_a_file_revised_an_hour_later_keeps_both_figures(warehouse: Warehouse, replay: Replay, payloads: dict[str, bytes]) -> None:
    revised = json.loads(payloads[f"kx{STAMP}.dat"])
    contract = next(row for row in revised["o_curinstrument"] if row["PRODUCTID"].strip() == "ao_f" and row["DELIVERYMONTH"] == "2509")
    contract["OPENINTEREST"] += 5
    revised["update_date"] = f"{STAMP} 16:32:10"
    _publish(replay, payloads)
    replay.answers[f"kx{STAMP}.dat"].append(Answer(json.dumps(revised, ensure_ascii=False).encode()))
    warehouse.run()
    assert warehouse.run().outcomes[("shfe", "kx", Outcome.OK)] == 1
    versions = (
        warehouse.rows("shfe__daily_quotes").filter((pl.col("product_id") == "ao") & (pl.col("delivery_month_code") == "2509")).sort("published_at")
    )
    assert versions["open_interest_lots"].to_list() == [contract["OPENINTEREST"] - 5, contract["OPENINTEREST"]]
    assert versions["payload_sha256"].n_unique() == 2
