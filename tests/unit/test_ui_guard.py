"""What the guard in front of Dagster's webserver refuses, what it lets through, and what of Dagster's it stands on."""

import importlib
import inspect
from collections.abc import Iterator

import dagster as dg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from orchestration.ui.guard import Guard, own_hosts

PORT = 3000
HOST = f"127.0.0.1:{PORT}"
HERE = f"http://{HOST}"
JSON = {"Content-Type": "application/json"}


async def _told(request: Request) -> PlainTextResponse:
    return PlainTextResponse("done", headers={"Content-Security-Policy": "base-uri 'none'"})


async def _talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("done")
    await socket.close()


@pytest.fixture(scope="module")
def client() -> TestClient:
    """An application that does whatever it is asked, behind the guard."""
    routes = [Route("/{path:path}", _told, methods=["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]), WebSocketRoute("/graphql", _talk)]
    return TestClient(Guard(Starlette(routes=routes), own_hosts(PORT) | {"alumina.example"}), base_url=HERE)


def test_the_page_itself_and_programs_are_let_through(client: TestClient) -> None:
    own = {"Origin": HERE, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
    assert client.get("/").text == "done"
    assert client.get("/assets", headers={"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}).text == "done"
    assert client.post("/graphql", json={}, headers=own).text == "done"
    assert client.post("/graphql", json={}).text == "done"
    assert client.post("/graphql", content=b"{}", headers={"Content-Type": "application/json; charset=utf-8"}).text == "done"
    with client.websocket_connect("/graphql", headers={"Host": HOST, "Origin": HERE}) as socket:
        assert socket.receive_text() == "done"


@pytest.mark.parametrize("host", ["127.0.0.1:3000", "localhost:3000", "LOCALHOST:3000", "[::1]:3000", "alumina.example"])
def test_the_names_of_the_ui(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).text == "done"
    assert client.post("/graphql", json={}, headers={"Host": host, "Origin": f"https://{host.lower()}"}).text == "done"


@pytest.mark.parametrize("host", ["evil.example:3000", "127.0.0.1", "127.0.0.1:3001", "127.0.0.1:3000.evil.example", "alumina.example:3000", ""])
def test_a_foreign_host(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 421
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/graphql", headers={"Host": host}):
        pass


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:3001", "http://localhost:3000", "http://127.0.0.1:3000.evil.example", "file://", ""])  # fmt: skip
def test_a_foreign_origin(client: TestClient, origin: str) -> None:
    assert client.post("/graphql", json={}, headers={"Origin": origin}).status_code == 403
    assert client.get("/", headers={"Origin": origin}).status_code == 403
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/graphql", headers={"Host": HOST, "Origin": origin}):
        pass


def test_a_host_or_an_origin_that_is_told_twice(client: TestClient) -> None:
    assert client.get("/", headers=[("Host", "127.0.0.1:3000"), ("Host", "evil.example")]).status_code == 421
    assert client.post("/graphql", json={}, headers=[("Origin", HERE), ("Origin", "https://evil.example")]).status_code == 403
    assert client.post("/", content=b"{}", headers=[("Content-Type", "application/json"), ("Content-Type", "text/plain")]).status_code == 415


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/%67raphql"])
def test_a_mutation_in_a_link(client: TestClient, path: str) -> None:
    assert client.get(f"{path}?query=mutation%7BsetNuxSeen%7D").status_code == 405
    assert client.head(f"{path}?query=mutation%7BsetNuxSeen%7D").status_code == 405


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/graphql", "text/plain; application/json", ""])  # fmt: skip
@pytest.mark.parametrize("path", ["/graphql?query=mutation%7BsetNuxSeen%7D", "/report_asset_materialization/a"])
def test_what_a_form_can_send(client: TestClient, kind: str, path: str) -> None:
    assert client.post(path, content=b"query=x", headers={"Content-Type": kind} if kind else {}).status_code == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(client: TestClient, method: str) -> None:
    assert client.request(method, "/", headers=JSON).status_code == 405


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_page_loads(client: TestClient, site: str) -> None:
    """A browser on this machine calls every port of it the same site."""
    for mode, kind in (("no-cors", "image"), ("no-cors", "script"), ("navigate", "iframe"), ("cors", "empty"), ("navigate", "object")):
        assert client.get("/logs/x", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": kind}).status_code == 403
    link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/runs", headers=link).text == "done"


def test_every_answer_forbids_framing(client: TestClient) -> None:
    for answer in (client.get("/"), client.get("/", headers={"Host": "evil.example"})):
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers.get_list("content-security-policy")
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "base-uri 'none'" in client.get("/").headers.get_list("content-security-policy")  # Dagster's own stays


def test_the_default_port_needs_no_number() -> None:
    assert own_hosts(80) >= {"localhost", "localhost:80"}
    assert "localhost" not in own_hosts(3000)


STANDS_ON = [
    ("dagster._core.workspace.context", "WorkspaceProcessContext", {"instance", "workspace_load_target", "version", "read_only"}),
    ("dagster._core.workspace.load_target", "WorkspaceFileTarget", set()),
    ("dagster_webserver.app", "create_app_from_workspace_process_context", {"workspace_process_context", "live_data_poll_rate"}),
]


@pytest.mark.parametrize(("module", "name", "parameters"), STANDS_ON)
def test_dagster_still_has_what_the_webserver_is_made_of(module: str, name: str, parameters: set[str]) -> None:
    """An upgrade that breaks this breaks `orchestration/ui/webserver.py`: mend it there."""
    found = getattr(importlib.import_module(module), name)
    assert parameters - set(inspect.signature(found).parameters) == set()
    assert callable(dg.DagsterInstance.optimize_for_webserver)


def test_a_workspace_file_is_still_named_by_a_list() -> None:
    from dagster._core.workspace.load_target import WorkspaceFileTarget

    assert WorkspaceFileTarget(["a.yaml"]).paths == ["a.yaml"]


@pytest.fixture(scope="module")
def webserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starlette]:
    """Dagster's real application, of an empty workspace."""
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster_webserver.app import create_app_from_workspace_process_context

    folder = tmp_path_factory.mktemp("workspace")
    (folder / "workspace.yaml").write_text("load_from: []")
    target = WorkspaceFileTarget([str(folder / "workspace.yaml")])
    with dg.DagsterInstance.local_temp(str(folder)) as instance, WorkspaceProcessContext(instance, target) as context:
        yield create_app_from_workspace_process_context(context)


def test_dagster_takes_what_the_guard_refuses(webserver: Starlette) -> None:
    """Why there is a guard; should Dagster refuse this one day, the guard may go."""
    bare, guarded = TestClient(webserver, base_url=HERE), TestClient(Guard(webserver, own_hosts(PORT)), base_url=HERE)
    link = "/graphql?query=mutation%7BsetNuxSeen%7D"
    assert bare.get(link, headers={"Host": "evil.example", "Origin": "https://evil.example"}).json()["data"] == {"setNuxSeen": True}
    assert guarded.get(link).status_code == 405
    assert guarded.post("/graphql", json={"query": "{ __typename }"}, headers={"Origin": HERE}).json()["data"] == {"__typename": "Query"}


def test_dagster_has_no_way_in_that_the_guard_does_not_know(webserver: Starlette) -> None:
    """A new address after an upgrade is judged first: may a GET do something there?"""
    files = "static"
    named = {(route.path, tuple(sorted(getattr(route, "methods", None) or ["websocket"]))) for route in webserver.routes if files not in route.name}
    assert {path for path, methods in named if "POST" in methods} == {
        "/graphql",
        "/report_asset_materialization/{asset_key:path}",
        "/report_asset_check/{asset_key:path}",
        "/report_asset_observation/{asset_key:path}",
    }
    assert {path for path, methods in named if methods == ("websocket",)} == {"/graphql"}
    assert {path for path, methods in named if methods == ("GET", "HEAD")} == {
        "/", "/{path:path}", "/server_info", "/dagit_info", "/logs/{path:path}", "/notebook", "/dagit/notebook", "/download_debug/{run_id:str}",
    }  # fmt: skip


@pytest.mark.parametrize("path", ["/graphql%0A", "/graphql/%0A", "/%0Agraphql", "/graphql%00", "/runs%E2%80%A8"])
def test_a_path_that_cannot_be_printed(client: TestClient, path: str) -> None:
    """A route of Starlette ends before a newline: GraphQL under a name that no rule knows."""
    assert client.get(f"{path}?query=mutation%7Bdelete%7D").status_code == 400
