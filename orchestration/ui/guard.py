"""Who may talk to Dagster's webserver: rules on headers, wrapped around its application. Pure; starts nothing.

Dagster's webserver has no login, runs a mutation that comes as a link, and believes every Host and Origin: any page in a browser on this
machine could start runs. A browser says where a request comes from, so what comes from another page can be told and refused. Programs
say nothing and are let in: who runs programs here needs no UI to do harm.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = "127.0.0.1"
GRAPHQL = "/graphql"
# What every answer tells the browser: no frame around it, no use of it by another page, no guessing of types.
ANSWERS = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
FRAMING = "frame-ancestors 'none'"
POLICY_VIOLATION = 1008


@dataclass(frozen=True)
class Refusal:
    """The status of an answer and the sentence in it."""

    status: int
    reason: str


def own_hosts(port: int) -> frozenset[str]:
    """Give the names a browser on this machine has for the UI."""
    names = ("127.0.0.1", "localhost", "[::1]")
    return frozenset(f"{name}:{port}" for name in names) | (frozenset(names) if port == 80 else frozenset())


def refusal(scope: Scope, hosts: frozenset[str]) -> Refusal | None:
    """Say why a request or a WebSocket is refused; None where it is not. `hosts` are the names of the UI, lower case, with port."""
    if not scope["path"].isprintable():
        # A route ends before a newline, so `/graphql` with one behind it would be GraphQL under another name.
        return Refusal(400, "a path holds letters, digits and marks that can be printed, nothing else")
    headers = Headers(scope=scope)
    named = [host.lower() for host in headers.getlist("host")]
    if len(named) != 1 or named[0] not in hosts:
        # This also refuses a foreign name that resolves to this machine (DNS rebinding).
        return Refusal(421, f"this is not {', '.join(named) or 'a named host'}; a proxy's name for the UI goes into ALUMINA_UI_HOSTS")
    origins = headers.getlist("origin")
    if origins and origins not in ([f"http://{named[0]}"], [f"https://{named[0]}"]):
        return Refusal(403, "another page may not use the UI")
    return None if scope["type"] == "websocket" else _refused_request(scope, headers)


def _refused_request(scope: Scope, headers: Headers) -> Refusal | None:
    method, is_graphql = scope["method"], scope["path"].rstrip("/") == GRAPHQL
    if method == "POST":
        # A form cannot send JSON, and a script of another page must name its origin to do so.
        kinds = [kind.split(";")[0].strip().lower() for kind in headers.getlist("content-type")]
        return None if kinds == ["application/json"] else Refusal(415, "only application/json is taken")
    if method not in ("GET", "HEAD"):
        return Refusal(405, f"{method} is not taken")
    if is_graphql and scope["query_string"]:
        return Refusal(405, "a question is asked by POST: a link or an image must not be able to do anything")
    is_foreign = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    is_opened = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    if is_foreign and not is_opened:
        return Refusal(403, "another page may lead here, not load from here")
    return None


class Guard:
    """An ASGI application in front of another: refuses by `refusal`, and forbids framing on every answer."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = refusal(scope, self._hosts)
        if scope["type"] == "websocket":
            if refused is None:
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refused.reason})
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(ANSWERS)
                headers.append("content-security-policy", FRAMING)  # added to Dagster's own policy; a browser applies both
            await send(message)

        app = self._app if refused is None else PlainTextResponse(f"{refused.reason}\n", refused.status)
        await app(scope, receive, answer)
