"""`alumina ui` in a real browser: it works, and a page of another address in the same browser cannot use it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.browser import CHROMIUM, Tab, tab
from tests.pipeline.conftest import ASKED, LAUNCH, STATUS, ask_ui, served_ui, until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")

PAUSED = "{ instance { autoMaterializePaused } }"
# Everything a page can do without its visitor's help. Each gives what the page could see of it.
ATTACK = """
const seen = {}, url = UI + '/graphql', query = 'mutation { setAutoMaterializePaused(paused: VALUE) }';
const link = url + '?query=' + encodeURIComponent(query);
const json = {method: 'POST', body: JSON.stringify({query}), headers: {'Content-Type': 'application/json'}};
function after(name, made, events) {
  return new Promise(done => { for (const event of events) made.addEventListener(event, () => { seen[name] = event; done(); }); });
}
function form(name, method, enctype) {
  const frame = document.createElement('iframe'), form = document.createElement('form');
  frame.name = name; form.target = name; form.action = link; form.method = method; form.enctype = enctype;
  form.innerHTML = '<input name=query>'; form.firstChild.value = query;
  document.body.append(frame, form);
  const sent = after(name, frame, ['load']); form.submit(); return sent;
}
async function attack() {
  const image = document.createElement('img'), script = document.createElement('script'), frame = document.createElement('iframe');
  image.src = link; script.src = link; frame.src = UI + '/';
  const waits = [after('image', image, ['load', 'error']), after('script', script, ['load', 'error']), after('frame', frame, ['load'])];
  document.body.append(image, script, frame);
  for (const kind of ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']) waits.push(form('post ' + kind, 'POST', kind));
  waits.push(form('get', 'GET', 'application/x-www-form-urlencoded'));
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-ws');
  waits.push(after('socket', socket, ['open', 'error']));
  async function told(name, address, options) {
    try { const answer = await fetch(address, options); seen[name] = answer.type; } catch (error) { seen[name] = error.name; }
  }
  waits.push(told('fetch json', url, json), told('fetch get', link), told('fetch page', UI + '/'));
  waits.push(told('fetch no-cors', link, {method: 'POST', mode: 'no-cors', body: '{}'}), told('fetch no-cors get', link, {mode: 'no-cors'}));
  await Promise.all(waits);
  return JSON.stringify(seen);
}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser") / "home"


@pytest.fixture(scope="module")
def ui(home: Path) -> Iterator[int]:
    with served_ui(home) as port:
        yield port


@pytest.fixture(scope="module")
def browser(ui: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with tab(tmp_path_factory.mktemp("profile"), "127.0.0.1") as opened:
        yield opened


@pytest.fixture
def foreign(ui: int) -> Iterator[str]:
    """A page on another port of this machine: to a browser the same site, and another origin."""
    value = str(not ask_ui(ui, PAUSED)["instance"]["autoMaterializePaused"]).lower()
    script = ATTACK.replace("VALUE", value)
    page = f"<!doctype html><link rel=icon href=data:,><body><script>const UI = 'http://127.0.0.1:{ui}';{script}</script>".encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def _asked(browser: Tab, query: str, **variables: Any) -> dict[str, Any]:
    """Ask the API from the page that is open, as the UI itself does."""
    body = json.dumps(json.dumps({"query": query, "variables": variables}))
    told = f"fetch('/graphql', {{method: 'POST', headers: {{'Content-Type': 'application/json'}}, body: {body}}}).then(answer => answer.text())"
    return dict(json.loads(browser.evaluate(told))["data"])


def test_the_ui_shows_an_asset_launches_a_run_and_follows_it(browser: Tab, ui: int, home: Path) -> None:
    here = f"http://127.0.0.1:{ui}"
    browser.open(f"{here}/assets/marts/fct_receipts_daily", 1400)
    until("the page of the asset", lambda: "fct_receipts_daily" in (browser.evaluate("document.body.innerText") or ""), 60)
    selector = {"repositoryLocationName": "alumina", "repositoryName": "__repository__", "pipelineName": "daily"}
    config = {"resources": {"intake": {"config": {"source": "files", "payloads": "/etc"}}}}
    launched = _asked(browser, LAUNCH, parameters={"selector": selector, "runConfigData": config})["launchPipelineExecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]
    browser.open(f"{here}/runs/{run_id}", 1400)
    until("the end of the run", lambda: _asked(browser, STATUS, id=run_id)["runOrError"]["status"] == "FAILURE", every=ASKED)
    # The page hears of it by WebSocket, and says why: the folder of another part of the machine may not be read.
    said = f"/etc is not in {home / 'inbox'}; set ALUMINA_PAYLOAD_ROOT"
    until("the reason on the page", lambda: said in (browser.evaluate("document.body.innerText") or ""), 60)
    assert not (home / "lake" / "shfe__daily_quotes").exists()


def test_a_page_of_another_address_can_do_nothing(browser: Tab, ui: int, foreign: str) -> None:
    before = ask_ui(ui, PAUSED)
    browser.open(foreign, 800)
    seen = json.loads(browser.evaluate("attack()"))
    refused = {"image": "error", "script": "error", "socket": "error"} | dict.fromkeys(("fetch json", "fetch get", "fetch page"), "TypeError")
    assert {name: seen[name] for name in refused} == refused
    # A frame loads whatever is in it, and a blind fetch gives nothing to see: what counts is what they have done.
    assert set(seen) - set(refused) == {
        "frame", "get", "fetch no-cors", "fetch no-cors get",
        "post application/x-www-form-urlencoded", "post multipart/form-data", "post text/plain",
    }  # fmt: skip
    assert ask_ui(ui, PAUSED) == before
    complaints = " ".join(browser.complaints)
    assert f"Framing 'http://127.0.0.1:{ui}/' violates" in complaints
    assert (
        f"WebSocket connection to 'ws://127.0.0.1:{ui}/graphql' failed: Error during WebSocket handshake: Unexpected response code: 403" in complaints
    )


def test_the_api_does_what_the_foreign_page_asked_when_its_own_page_asks(browser: Tab, ui: int) -> None:
    """The attack was a real one: the same words from the UI's own page are done."""
    browser.open(f"http://127.0.0.1:{ui}/", 800)
    before = ask_ui(ui, PAUSED)["instance"]["autoMaterializePaused"]
    _asked(browser, f"mutation {{ setAutoMaterializePaused(paused: {str(not before).lower()}) }}")
    assert ask_ui(ui, PAUSED)["instance"]["autoMaterializePaused"] is not before
