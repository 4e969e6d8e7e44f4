"""One polite client: timeouts, a pace per host, bounded retries of network errors. Gives bytes and facts, never judges them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx

from ingest.source import Request, Response

USER_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"


@dataclass(frozen=True)
class Pace:
    """How hard a host may be asked. Defaults follow what SHFE bore: a challenge was seen after about 30 quick requests."""

    seconds_between: float = 0.5
    retry_after: tuple[float, ...] = (1.0, 2.0, 4.0)
    timeout: float = 20.0
    body_limit: int = 64 * 2**20


@dataclass
class HttpClient:
    """Fetches requests one after another. Redirects are not followed: an address that moved is news, not data."""

    pace: Pace = field(default_factory=Pace)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _last: dict[str, float] = field(default_factory=dict)

    def fetch(self, request: Request) -> Response:
        """Give the answer to one request, or a Response whose `error` says why there is none."""
        if request.url is None:
            raise ValueError(f"{request.source}/{request.feed} has no address; its files are exported by people")
        host = urlsplit(request.url).netloc
        with httpx.Client(timeout=self.pace.timeout, follow_redirects=False, headers={"User-Agent": USER_AGENT}) as client:
            for delay in (*self.pace.retry_after, None):
                self._wait_turn(host)
                try:
                    return self._once(client, request)
                except httpx.DecodingError as error:  # the bytes came and cannot be unpacked: asking again gives the same
                    return Response(body=b"", fetched_at=datetime.now(UTC), error=f"the answer cannot be unpacked: {error}")
                except httpx.TransportError as error:
                    failure = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                finally:
                    self._last[host] = self.clock()
                if delay is not None:
                    self.sleep(delay)
        return Response(body=b"", fetched_at=datetime.now(UTC), error=failure)

    def _once(self, client: httpx.Client, request: Request) -> Response:
        with client.stream(request.method, str(request.url), data=request.form, json=request.json, headers=dict(request.headers)) as answer:
            body = bytearray()
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) > self.pace.body_limit:
                    return self._response(answer, b"", f"body is larger than {self.pace.body_limit} bytes")
            return self._response(answer, bytes(body), None)

    @staticmethod
    def _response(answer: httpx.Response, body: bytes, error: str | None) -> Response:
        return Response(body, datetime.now(UTC), answer.status_code, dict(answer.headers), error)

    def _wait_turn(self, host: str) -> None:
        if host in self._last:
            self.sleep(max(0.0, self._last[host] + self.pace.seconds_between - self.clock()))
