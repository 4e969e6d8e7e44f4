"""The HTTP client: timeouts, a pace per host, bounded retries of network errors. It returns bytes and facts and does not judge them."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from ingest.settings import DEFAULT_AGENT
from ingest.source import Request, Response
from ingest.turns import Turns


@dataclass(frozen=True)
class Pace:
    """How fast a host may be asked. The defaults suit SHFE, which answered about 30 quick requests with a challenge."""

    seconds_between: float = 0.5
    retry_after: tuple[float, ...] = (1.0, 2.0, 4.0)
    timeout: float = 20.0
    """Seconds a server may keep silent: to connect, and between two reads."""
    deadline: float = 60.0
    """Seconds one answer may take in all (assumed; the largest daily file is below 2 MB). It stops a server that sends a byte now and then."""
    body_limit: int = 64 * 2**20


@cache
def _trusted() -> ssl.SSLContext:
    """Read the authorities that are trusted, once a process: that takes 20 ms, and each request has a client of its own."""
    return httpx.create_ssl_context()


@dataclass
class HttpClient:
    """Fetches requests one after another. It follows no redirect: a moved address must be noticed."""

    pace: Pace = field(default_factory=Pace)
    agent: str = DEFAULT_AGENT
    """What the client calls itself (`ALUMINA_USER_AGENT`)."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    turns: Turns | None = None
    """The pace of all processes of a home; None where this client is the only one."""
    _last: dict[str, float] = field(default_factory=dict)
    _silent: set[str] = field(default_factory=set)
    """Hosts whose last request got no answer at any try: the next gets one try only."""

    def fetch(self, request: Request) -> Response:
        """Give the answer to one request, or a Response whose `error` says why there is none."""
        if request.url is None:
            raise ValueError(f"{request.source}/{request.feed} has no address; its files are exported by people")
        host = urlsplit(request.url).netloc
        headers = {"User-Agent": self.agent}
        with httpx.Client(timeout=self.pace.timeout, follow_redirects=False, headers=headers, verify=_trusted()) as client:
            for delay in (*(() if host in self._silent else self.pace.retry_after), None):
                self._wait_turn(host)
                answer, failure = None, ""
                try:
                    with _Watch(self.pace.deadline) as watch:
                        answer = self._once(client, request, watch)
                except httpx.DecodingError as error:  # the bytes arrived and cannot be unpacked; another try gives the same
                    answer = self._failed(f"the answer cannot be unpacked: {error}")
                except httpx.TransportError as error:
                    failure = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                finally:
                    self._last[host] = self.clock()
                if watch.hung_up:  # whatever it looks like: a body cut by the closed connection would look whole
                    return self._failed(f"the answer was not complete after {self.pace.deadline:g} seconds")
                if answer is not None:
                    self._silent.discard(host)
                    return answer
                if delay is not None:
                    self.sleep(delay)
        self._silent.add(host)
        return self._failed(failure)

    def _once(self, client: httpx.Client, request: Request, watch: "_Watch") -> Response:
        asked = client.build_request(
            request.method,
            str(request.url),
            data=request.form,
            json=request.json,
            headers=dict(request.headers),
            extensions={"trace": watch.see},
        )
        with contextlib.closing(client.send(asked, stream=True)) as answer:
            packings = [packing for packing in answer.headers.get_list("content-encoding", split_commas=True) if packing.strip() != "identity"]
            if len(packings) > 1:  # unpacked in one step, 500 bytes packed twice fill 200 MB before a limit could be looked at
                return self._response(answer, b"", f"the answer is packed {len(packings)} times, which is not unpacked")
            body = bytearray()
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > self.pace.body_limit:
                    return self._response(answer, b"", f"body is larger than {self.pace.body_limit} bytes")
            return self._response(answer, bytes(body), None)

    def _response(self, answer: httpx.Response, body: bytes, error: str | None) -> Response:
        return Response(body, self.now(), answer.status_code, dict(answer.headers), error)

    def _failed(self, error: str) -> Response:
        return Response(b"", self.now(), error=error)

    def _wait_turn(self, host: str) -> None:
        if host in self._last:
            self.sleep(max(0.0, self._last[host] + self.pace.seconds_between - self.clock()))
        if self.turns is not None and (wait := self.turns.take(host, self.now().timestamp(), self.pace.seconds_between)):
            self.sleep(wait)


class _Watch:
    """Closes the connection of an answer that takes too long in all. A server that sends single bytes stays within the timeout of each read."""

    def __init__(self, seconds: float) -> None:
        self.hung_up = False
        self._stream: Any = None
        self._timer = threading.Timer(seconds, self._hang_up)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()  # no connection is kept after its answer

    def see(self, event: str, facts: Mapping[str, Any]) -> None:
        """Note the connection once there is one; the client reports what it does (httpx's `trace` extension)."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = facts["return_value"]
            if self.hung_up:
                self._hang_up()

    def _hang_up(self) -> None:
        self.hung_up = True
        if self._stream is not None:
            with contextlib.suppress(OSError):  # closed already
                self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
