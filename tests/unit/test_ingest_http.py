"""The client against a server of our own on the loopback: it asks politely, gives bytes and facts, and always comes back."""

import contextlib
import gzip
import importlib.metadata
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import ValidationError

from ingest import http
from ingest.http import HttpClient, Pace
from ingest.inspect import inspect
from ingest.settings import Settings
from ingest.source import Outcome, Request, Response

DATA = b'{"report_date": "20250716"}' * 50


class Handler(BaseHTTPRequestHandler):
    """Answers by path and remembers what it was asked."""

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        length = int(self.headers.get("content-length") or 0)
        site.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
        path = self.path
        if path == "/data":
            self.answer(200, DATA, content_type="application/json")
        elif path == "/gzip":
            self.answer(200, gzip.compress(DATA), content_encoding="gzip")
        elif path == "/broken-gzip":
            self.answer(200, b"this is not gzip", content_encoding="gzip")
        elif path == "/moved":
            self.answer(302, b"", location="/data")
        elif path == "/large":
            self.answer(200, b"x" * 100_000)
        elif path == "/packed-twice":
            self.answer(200, gzip.compress(gzip.compress(DATA)), content_encoding="gzip, gzip")
        elif path == "/large-when-inflated":
            self.answer(200, gzip.compress(b"x" * 1_000_000), content_encoding="gzip")
        elif path == "/cut":
            self.answer(200, DATA[:100], content_length=str(len(DATA)))
        elif path == "/stall":
            self.answer(200, DATA[:100], content_length=str(len(DATA)), stall=True)
        elif path.startswith("/drip"):
            self.drip(path.removeprefix("/drip-"))
        elif path == "/silent":
            site.release.wait(5)
        elif path == "/twice" and len(site.asked) == 1:
            self.close_connection = True  # hang up without an answer, the first time
        elif path == "/twice":
            self.answer(200, DATA)
        else:
            self.answer(int(path[1:]), b"<html>no</html>")

    do_POST = do_GET

    def answer(self, status: int, body: bytes, *, stall: bool = False, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"content_length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        if stall:
            self.wfile.flush()
            self.server.site.release.wait(5)  # type: ignore[attr-defined]

    def drip(self, part: str) -> None:
        """A byte every 20 ms, for as long as somebody listens: in the header, or in a body of known or unknown length, or packed."""
        site: Site = self.server.site  # type: ignore[attr-defined]
        if part != "header":
            self.send_response(200)
            known = {"body": ("Content-Length", "100000"), "open-body": ("Connection", "close"), "gzip": ("Content-Encoding", "gzip")}
            self.send_header(*known[part])
            self.end_headers()
        endless_name = b"\x1f\x8b\x08\x08" + bytes(6)  # head of a gzip file whose name goes on and on: nothing to unpack yet
        start = {"header": b"HTTP/1.1 200 OK\r\nX-Slow: ", "gzip": endless_name}.get(part, b"{")
        with contextlib.suppress(OSError):
            self.wfile.write(start)
            while not site.release.wait(0.02):
                self.wfile.write(b"x")
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass
class Site:
    url: str
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that gives up is part of the tests
    site = server.site = Site(f"http://127.0.0.1:{server.server_address[1]}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Clock:
    """Time that passes only when somebody sleeps."""

    now: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds
        if seconds:
            self.slept.append(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client(clock: Clock, **pace: object) -> HttpClient:
    return HttpClient(Pace(**{"timeout": 5.0, **pace}), sleep=clock.sleep, clock=clock)  # type: ignore[arg-type]


def ask(url: str | None, **changes: object) -> Request:
    return Request("shfe", "kx", "20250716", "kx20250716.dat", url=url, **changes)  # type: ignore[arg-type]


def verdict(response: Response) -> tuple[Outcome, str]:
    judged = inspect(response, "json")
    return judged.outcome, judged.reason


def test_an_answer_is_given_with_its_facts(site: Site, clock: Clock) -> None:
    response = client(clock).fetch(ask(f"{site.url}/data"))
    assert (response.body, response.status, response.error) == (DATA, 200, None)
    assert response.headers["content-type"] == "application/json"
    assert response.fetched_at.tzinfo is not None
    assert verdict(response) == (Outcome.OK, "")
    assert [(method, path) for method, path, _, _ in site.asked] == [("GET", "/data")]
    assert site.asked[0][2]["User-Agent"] == f"alumina-warehouse/{importlib.metadata.version('alumina-warehouse')}"
    assert clock.slept == []


def test_the_client_calls_itself_what_it_is_told_to(site: Site) -> None:
    HttpClient(Pace(retry_after=()), agent="alumina-warehouse (desk@example.com)").fetch(ask(f"{site.url}/data"))
    assert site.asked[0][2]["User-Agent"] == "alumina-warehouse (desk@example.com)"


@pytest.mark.parametrize("agent", ["", " ", "two\nlines", "氧化铝", " before", "after "])
def test_an_agent_that_is_no_header_is_refused_before_anything_is_asked(agent: str) -> None:
    with pytest.raises(ValidationError, match="user_agent"):
        Settings(user_agent=agent)


def test_a_compressed_answer_is_inflated_and_not_taken_for_a_truncated_one(site: Site, clock: Clock) -> None:
    response = client(clock).fetch(ask(f"{site.url}/gzip"))
    assert response.body == DATA
    assert verdict(response) == (Outcome.OK, "")


def test_an_answer_that_is_packed_more_than_once_is_not_unpacked(site: Site, clock: Clock) -> None:
    response = client(clock).fetch(ask(f"{site.url}/packed-twice"))
    assert (response.body, response.error) == (b"", "the answer is packed 2 times, which is not unpacked")
    assert verdict(response) == (Outcome.HTTP_ERROR, "transport")


def test_the_trusted_authorities_are_read_once_and_not_for_each_request(site: Site, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[ssl.Purpose] = []
    create = ssl.create_default_context
    monkeypatch.setattr(
        ssl, "create_default_context", lambda purpose=ssl.Purpose.SERVER_AUTH, **named: read.append(purpose) or create(purpose, **named)
    )
    http._trusted.cache_clear()
    for _ in range(3):
        assert client(clock).fetch(ask(f"{site.url}/data")).status == 200
    assert len(read) == 1


def test_a_form_is_posted_with_the_requests_own_headers(site: Site, clock: Clock) -> None:
    client(clock).fetch(ask(f"{site.url}/data", method="POST", form={"trade_date": "20250716"}, headers={"Referer": "http://there/"}))
    ((method, _, headers, body),) = site.asked
    assert (method, body, headers["Referer"]) == ("POST", b"trade_date=20250716", "http://there/")
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_body_of_json_is_posted_as_json(site: Site, clock: Clock) -> None:
    client(clock).fetch(ask(f"{site.url}/data", method="POST", json={"currentPage": 1, "content": "氧化铝"}))
    command, _, headers, body = site.asked[0]
    assert (command, json.loads(body)) == ("POST", {"currentPage": 1, "content": "氧化铝"})
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, Outcome.NOT_PUBLISHED),
        (500, Outcome.HTTP_ERROR),
        (503, Outcome.HTTP_ERROR),
        (403, Outcome.BLOCKED),
        (429, Outcome.BLOCKED),
        (567, Outcome.BLOCKED),
    ],
)
def test_a_status_is_a_fact_and_is_not_asked_for_again(site: Site, clock: Clock, status: int, expected: Outcome) -> None:
    response = client(clock).fetch(ask(f"{site.url}/{status}"))
    assert (response.status, response.body, response.error) == (status, b"<html>no</html>", None)
    assert verdict(response)[0] is expected
    assert len(site.asked) == 1
    assert clock.slept == []


def test_a_redirect_is_news_and_is_not_followed(site: Site, clock: Clock) -> None:
    response = client(clock).fetch(ask(f"{site.url}/moved"))
    assert (response.status, response.headers["location"]) == (302, "/data")
    assert verdict(response) == (Outcome.HTTP_ERROR, "status")
    assert [path for _, path, _, _ in site.asked] == ["/moved"]


@pytest.mark.parametrize("path", ["/stall", "/silent"])
def test_a_server_that_stops_talking_is_a_timeout_and_no_half_payload(site: Site, clock: Clock, path: str) -> None:
    response = client(clock, timeout=0.1, retry_after=()).fetch(ask(f"{site.url}{path}"))
    assert (response.body, response.status) == (b"", None)
    assert response.error is not None
    assert response.error.startswith("ReadTimeout")
    assert verdict(response) == (Outcome.HTTP_ERROR, "transport")


@pytest.mark.parametrize("part", ["header", "body", "open-body", "gzip"])
def test_an_answer_that_drips_is_ended_as_a_whole_and_not_asked_for_again(site: Site, clock: Clock, part: str) -> None:
    # Each read comes well within its timeout; without an end to all of them this test would never end.
    response = client(clock, deadline=0.4).fetch(ask(f"{site.url}/drip-{part}"))
    assert (response.body, response.status, response.error) == (b"", None, "the answer was not complete after 0.4 seconds")
    assert verdict(response) == (Outcome.HTTP_ERROR, "transport")
    assert len(site.asked) == 1


def test_an_answer_in_time_is_not_hung_up_on(site: Site, clock: Clock) -> None:
    before = set(threading.enumerate())
    response = client(clock, deadline=30).fetch(ask(f"{site.url}/data"))
    assert (response.body, response.error) == (DATA, None)
    # The server's own threads aside, the watch went with the answer.
    assert [thread for thread in set(threading.enumerate()) - before if isinstance(thread, threading.Timer)] == []


def test_the_hour_of_an_answer_is_the_clients_own(site: Site) -> None:
    at = datetime(2025, 7, 16, 8, 29, tzinfo=UTC)
    asking = HttpClient(Pace(timeout=5, retry_after=()), now=lambda: at)
    assert [asking.fetch(ask(url)).fetched_at for url in (f"{site.url}/data", f"{site.url}/cut")] == [at, at]


def test_a_connection_cut_inside_the_body_is_an_error_and_no_half_payload(site: Site, clock: Clock) -> None:
    response = client(clock, retry_after=()).fetch(ask(f"{site.url}/cut"))
    assert response.body == b""
    assert response.error is not None
    assert verdict(response) == (Outcome.HTTP_ERROR, "transport")


def test_a_network_error_is_tried_again_after_the_configured_waits_and_then_given_up(clock: Clock) -> None:
    response = client(clock, retry_after=(1.0, 2.0, 4.0), seconds_between=0.5).fetch(ask("http://127.0.0.1:9/data"))
    assert response.error is not None
    assert response.error.startswith("ConnectError")
    assert (response.body, response.status) == (b"", None)
    assert clock.slept == [1.0, 2.0, 4.0]
    assert verdict(response) == (Outcome.HTTP_ERROR, "transport")


def test_a_host_that_gave_no_answer_at_any_try_is_asked_once_by_the_next_request_until_it_answers(site: Site, clock: Clock) -> None:
    asking = client(clock, retry_after=(1.0, 2.0), seconds_between=0)
    nobody = "http://127.0.0.1:9/data"
    for _ in range(3):
        assert asking.fetch(ask(nobody)).error is not None
    assert clock.slept == [1.0, 2.0]
    asking._silent.add(site.url.removeprefix("http://"))
    assert asking.fetch(ask(f"{site.url}/data")).error is None
    site.asked.clear()
    assert asking.fetch(ask(f"{site.url}/cut")).error is not None
    assert len(site.asked) == 3


def test_an_attempt_that_works_ends_the_retries(site: Site, clock: Clock) -> None:
    response = client(clock, retry_after=(1.0, 2.0, 4.0)).fetch(ask(f"{site.url}/twice"))
    assert (response.body, response.error) == (DATA, None)
    assert clock.slept == [1.0]
    assert len(site.asked) == 2


def test_a_body_over_the_limit_is_not_taken(site: Site, clock: Clock) -> None:
    response = client(clock, body_limit=1_000).fetch(ask(f"{site.url}/large"))
    assert (response.body, response.error) == (b"", "body is larger than 1000 bytes")
    assert verdict(response) == (Outcome.HTTP_ERROR, "transport")
    assert len(site.asked) == 1


def test_a_body_that_grows_over_the_limit_when_inflated_is_not_taken(site: Site, clock: Clock) -> None:
    response = client(clock, body_limit=100_000).fetch(ask(f"{site.url}/large-when-inflated"))
    assert (response.body, response.error) == (b"", "body is larger than 100000 bytes")


def test_a_body_that_does_not_inflate_is_an_error_and_no_exception(site: Site, clock: Clock) -> None:
    # `fetch` promises a Response for every failure of the way; an exception would end the run for all feeds.
    response = client(clock, retry_after=()).fetch(ask(f"{site.url}/broken-gzip"))
    assert response.body == b""
    assert response.error is not None
    assert verdict(response) == (Outcome.HTTP_ERROR, "transport")


def test_the_pace_is_kept_between_requests_to_one_host(site: Site, clock: Clock) -> None:
    asking = client(clock, seconds_between=0.5)
    asking.fetch(ask(f"{site.url}/data"))
    asking.fetch(ask(f"{site.url}/data"))
    clock.now += 0.2  # parsing took a while
    asking.fetch(ask(f"{site.url}/404"))
    clock.now += 9.0
    asking.fetch(ask(f"{site.url}/data"))
    assert clock.slept == [0.5, pytest.approx(0.3)]


def test_another_host_does_not_wait_for_this_one(site: Site, clock: Clock) -> None:
    asking = client(clock, seconds_between=0.5, retry_after=())
    asking.fetch(ask(f"{site.url}/data"))
    asking.fetch(ask("http://127.0.0.1:9/data"))
    assert clock.slept == []


def test_the_pace_is_kept_after_a_failure_too(clock: Clock) -> None:
    asking = client(clock, seconds_between=0.5, retry_after=())
    asking.fetch(ask("http://127.0.0.1:9/data"))
    asking.fetch(ask("http://127.0.0.1:9/data"))
    assert clock.slept == [0.5]


def test_a_feed_without_an_address_is_a_mistake_of_the_caller(clock: Clock) -> None:
    with pytest.raises(ValueError, match="exported by people"):
        client(clock).fetch(ask(None))


def test_the_pace_is_the_one_the_exchange_bore() -> None:
    assert Pace() == Pace(seconds_between=0.5, retry_after=(1.0, 2.0, 4.0), timeout=20.0, deadline=60.0, body_limit=64 * 2**20)
