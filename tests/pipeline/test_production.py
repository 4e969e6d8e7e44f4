"""The production profile as docs/operations.md describes it, with the real PostgreSQL and the real nginx; skipped where they are not installed."""

import base64
import importlib.util
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from ingest.archive import Archive
from ingest.files import is_free
from ingest.flow import ingest
from ingest.lake import Lake
from ingest.origins import SampleOrigin
from ingest.settings import Settings
from orchestration.assets.partitions import DAY_SOURCES, MONTH_SOURCES
from orchestration.warehouse.load import load_raw
from tests.local import local
from tests.pipeline.conftest import HANGS, content

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "orchestration" / "deploy"
POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
needs_postgres = pytest.mark.skipif(
    POSTGRES is None or importlib.util.find_spec("dagster_postgres") is None,
    reason="needs Debian's postgresql and the extra `production` (dagster-postgres)",
)
needs_nginx = pytest.mark.skipif(NGINX is None, reason="needs Debian's nginx")
PASSWORD = base64.b64encode(b"olga:secret").decode()


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tables(environment: dict[str, str]) -> None:
    """Let one process make the tables of the instance: two that start on an empty one make them at once, and one falls (docs/operations.md)."""
    made = subprocess.run([sys.executable, "-m", "dagster", "instance", "migrate"], env=environment, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


def _until(what: str, ready: Callable[[], bool], seconds: float = HANGS) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return
        time.sleep(0.5)
    pytest.fail(f"{what} did not come up in {seconds} s")


@contextmanager
def _starting(folder: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start processes, each in a session of its own, and end them with the block."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*command: str, **more: Any) -> subprocess.Popen[bytes]:
        with (folder / f"{len(running)}.log").open("wb") as log:
            running.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, **more))
        return running[-1]

    try:
        yield begin
    finally:
        for process in reversed(running):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT if "postgres" in str(process.args) else signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start processes that end with the test."""
    with _starting(tmp_path) as begin:
        yield begin


def _answers(url: str) -> bool:
    try:
        return local().get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory, start: Callable[..., Any]) -> str:
    """Address of a server of its own; it refuses to run as root, so it runs as its own user then."""
    assert POSTGRES is not None
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    data, port, tools = folder / "data", _port(), POSTGRES.parent
    subprocess.run([*user, str(tools / "initdb"), "-D", str(data), "-U", "alumina", "--auth=trust", "-N"], check=True, capture_output=True, cwd="/")
    start(*user, str(tools / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder), "-c", "listen_addresses=127.0.0.1", cwd="/")
    _until(
        "postgres",
        lambda: subprocess.run([tools / "pg_isready", "-h", "127.0.0.1", "-p", str(port)], capture_output=True, check=False).returncode == 0,
    )
    return f"postgresql://alumina@127.0.0.1:{port}/postgres"


LAUNCH = """mutation Launch($parameters: ExecutionParams!) { launchPipelineExecution(executionParams: $parameters) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
RANGE = ("2025-04-24", "2025-07-23")


@dataclass(frozen=True)
class Profile:
    """The production profile at work: where it is asked, and its home."""

    home: Path
    web: int

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = local().post(f"http://127.0.0.1:{self.web}/graphql", json={"query": query, "variables": variables})
        return dict(answer.json()["data"])

    def launch(self, location: str, job: str, source: str = "", span: tuple[str, str] | None = None) -> str:
        """Put a run of the sample into the queue and give its id."""
        selector: dict[str, Any] = {"repositoryLocationName": location, "repositoryName": "__repository__", "pipelineName": job}
        tags, config = [], {}
        if span is not None:
            config = {"resources": {"intake": {"config": {"source": "sample"}}}}
            tags = [{"key": f"dagster/asset_partition_range_{end}", "value": value} for end, value in zip(("start", "end"), span, strict=True)]
        if source:
            selector |= {"assetSelection": [{"path": ["arrivals", source]}]}
        parameters = {"selector": selector, "runConfigData": config, "executionMetadata": {"tags": tags}}
        launched = self.ask(LAUNCH, parameters=parameters)["launchPipelineExecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def status(self, run: str) -> str:
        """Say what the instance knows of a run."""
        return str(self.ask("query Run($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run)["runOrError"]["status"])

    def ended(self, *runs: str) -> list[str]:
        """Wait for the end of runs and say how each ended."""
        _until("the runs", lambda: all(self.status(run) in ("SUCCESS", "FAILURE") for run in runs))
        return [self.status(run) for run in runs]

    def process_of(self, run: str) -> int:
        """Find the process that holds a run's lock."""
        lock = self.home / "runs" / f"{run}.lock"
        _until("the run's process", lambda: lock.is_file() and not is_free(lock))
        for open_file in Path("/proc").glob("[0-9]*/fd/*"):
            with suppress(OSError):  # it is another user's, or has just ended
                if os.readlink(open_file) == str(lock):
                    return int(open_file.parts[2])
        pytest.fail(f"nobody holds {lock}")


@pytest.mark.full
@needs_postgres
def test_locations_webserver_and_daemon_are_separate_and_meet_in_postgres(tmp_path: Path, postgres: str, start: Callable[..., Any]) -> None:
    """All of it is started by the one script, whose commands are those of the systemd units.

    Ranges are taken in, two at once and beside one writer; one of them is killed in the middle and taken in again.
    Then the lake has the rows that one process alone takes in.
    """
    dagster_home, location, web, view, ranges = tmp_path / "dagster", _port(), _port(), _port(), _port()
    environment = os.environ | {
        "DAGSTER_HOME": str(dagster_home),
        "ALUMINA_HOME": str(tmp_path / "home"),
        "ALUMINA_POSTGRES_URL": postgres.replace("postgresql:", "postgresql+psycopg2:"),
        "ALUMINA_PORTS": f"{location} {web} {view} {ranges}",
    }
    script = start(str(DEPLOY / "start.sh"), env=environment, cwd=tmp_path)
    _until("the webserver", lambda: _answers(f"http://127.0.0.1:{web}/server_info"))
    _until("the viewers' webserver", lambda: _answers(f"http://127.0.0.1:{view}/server_info"))
    there = Profile(tmp_path / "home", web)

    killed = there.launch("ranges", "arrivals_by_day", "shfe", RANGE)
    months = there.launch("ranges", "arrivals_by_month", span=("2025-03", "2025-05"))
    third, writer = there.launch("ranges", "arrivals_by_day", "fx", RANGE), there.launch("alumina", "tidy")
    at_work = [there.process_of(killed)]
    _until("the middle of the range", lambda: len(list((there.home / "archive" / "blobs").glob("*/*"))) > 60)
    os.kill(at_work[0], signal.SIGSTOP)
    at_work.append(there.process_of(months))
    os.kill(at_work[1], signal.SIGSTOP)
    # Two ranges are at work: the third waits, a writer that came after it does not.
    assert there.ended(writer) == ["SUCCESS"]
    assert there.status(third) == "QUEUED"
    os.kill(at_work[0], signal.SIGKILL)
    os.kill(at_work[1], signal.SIGCONT)
    assert there.ended(killed, months, third) == ["FAILURE", "SUCCESS", "SUCCESS"]
    assert there.ended(there.launch("ranges", "arrivals_by_day", "shfe", RANGE)) == ["SUCCESS"]
    _until("the alert", lambda: killed in (there.home / "alerts.jsonl").read_text(encoding="utf-8"))
    assert _rows(there.home) == _taken_in_by_one_process(tmp_path / "alone")

    counted = subprocess.run(
        ["psql", postgres, "-Atc", f"select count(*) from event_logs where run_id = '{months}' and partition is not null and dagster_event_type = 'ASSET_MATERIALIZATION'"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert counted.stdout.strip() == "3"
    assert not list(dagster_home.rglob("*.db"))
    # Marks and runs are in one table there; tidying knows that.
    asked = ("from datetime import UTC, datetime; import dagster as dg; from ingest.settings import Settings; from orchestration.home.tidy import tidy; "
             "print(tidy(Settings(), dg.DagsterInstance.get(), datetime.now(UTC)))")  # fmt: skip
    tidied = subprocess.run([sys.executable, "-c", asked], env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "0 runs, the events of 0 runs" in tidied.stdout, tidied.stderr
    # One of its processes ends: all end, so that who supervises the script starts all anew.
    daemon = subprocess.run(["pgrep", "-g", str(script.pid), "-f", "dagster._daemon"], capture_output=True, text=True, check=True).stdout.split()
    os.kill(int(daemon[0]), signal.SIGKILL)
    _until("the end of the script", lambda: script.poll() is not None)
    assert script.returncode == 1
    _until("the end of the webserver", lambda: not _answers(f"http://127.0.0.1:{web}/server_info"))


def _rows(home: Path) -> dict[str, tuple[int, int]]:
    """Load the lake of a home and give each raw table's rows and their hash, but not those of how they came."""
    load_raw(Settings(home=home))
    # Some feeds answer a range by one payload, so its name depends on the range.
    return {name: rows for name, rows in content(home, "raw", "payload_sha256").items() if not name.startswith("ingest__")}


def _taken_in_by_one_process(home: Path) -> dict[str, tuple[int, int]]:
    settings = Settings(home=home)
    home.mkdir()
    archive, lake = Archive(settings.archive), Lake(settings.lake)
    for sources, first, last in (([*DAY_SOURCES], *RANGE), ([*MONTH_SOURCES], "2025-03-01", RANGE[1])):
        ingest(
            [one for one in sources if one.name in ("shfe", "fx") or one in MONTH_SOURCES],
            SampleOrigin(date.fromisoformat(first), date.fromisoformat(last)),
            archive,
            lake,
            "alone",
        )
    return _rows(home)


@needs_postgres
def test_a_missing_secret_is_named(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "dagster.yaml", tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "ALUMINA_POSTGRES_URL"} | {"DAGSTER_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "dagster", "instance", "info"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert 'environment variable "ALUMINA_POSTGRES_URL" which is not set' in done.stderr


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., httpx.Response]]:
    """The sample configuration in front of an operator's and a viewer's webserver; gives a way to ask it."""
    tmp_path = tmp_path_factory.mktemp("proxy")
    operators, viewers, front, plain = _port(), _port(), _port(), _port()
    names = ["-addext", "subjectAltName=DNS:alumina.example,DNS:view.alumina.example"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=alumina.example", *names]
    subprocess.run([*made, "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")], check=True, capture_output=True)
    trust = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    trust.check_hostname = False  # the tests come by address and say the name as a header
    for name in ("operators", "viewers"):
        (tmp_path / name).write_text("olga:{PLAIN}secret\n")
        (tmp_path / name).chmod(0o644)
    text = (DEPLOY / "nginx.conf").read_text()
    for old, new in (
        ("127.0.0.1:3000", f"127.0.0.1:{operators}"),
        ("127.0.0.1:3001", f"127.0.0.1:{viewers}"),
        ("127.0.0.1:8443", f"127.0.0.1:{front}"),
        ("127.0.0.1:8080", f"127.0.0.1:{plain}"),
        ("/etc/nginx/alumina.pem", str(tmp_path / "certificate.pem")),
        ("/etc/nginx/alumina.key", str(tmp_path / "key.pem")),
        ("/etc/nginx/alumina.operators", str(tmp_path / "operators")),
        ("/etc/nginx/alumina.viewers", str(tmp_path / "viewers")),
    ):
        assert old in text
        text = text.replace(old, new)
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"{'user root; ' if os.geteuid() == 0 else ''}daemon off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log; events {{}}\nhttp {{ access_log off;"
        + "".join(f" {kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        + f"\n{text}\n}}\n"
    )
    # One process and two ports: what the webserver does behind the proxy is Dagster's own; here the guard is tried.
    hosts = re.findall(r"ALUMINA_UI_HOSTS=([a-z.,]+)", text)[0].rstrip(",")
    environment = os.environ | {"DAGSTER_HOME": str(tmp_path), "DAGSTER_DISABLE_TELEMETRY": "1", "ALUMINA_UI_HOSTS": hosts, "PYTHONPATH": str(ROOT)}
    _tables(environment)
    workspace = str(tmp_path / "workspace.yaml")
    Path(workspace).write_text("load_from: [{python_file: empty.py}]")
    empty = tmp_path / "empty.py"
    empty.write_text("import dagster as dg\n\n@dg.asset\ndef a(): ...\n\ndefs = dg.Definitions([a])\n")

    def ask(
        method: str,
        path: str,
        host: str = "alumina.example",
        *,
        login: bool = True,
        secure: bool = True,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        address = f"https://127.0.0.1:{front}" if secure else f"http://127.0.0.1:{plain}"
        told = {"Host": host} | ({"Authorization": f"Basic {PASSWORD}"} if login else {}) | (headers or {})
        return httpx.request(method, f"{address}{path}", headers=told, timeout=60, trust_env=False, verify=trust, **more)

    with _starting(tmp_path) as start:
        for port, more in ((operators, ()), (viewers, ("--read-only",))):
            command = (sys.executable, "-m", "orchestration.ui.webserver", "--port", str(port), "--workspace", workspace, *more)
            start(*command, env=environment, cwd=tmp_path)
        start(str(NGINX), "-c", str(configuration), "-p", str(tmp_path))
        for port in (operators, viewers):
            _until("the webserver", lambda port=port: _answers(f"http://127.0.0.1:{port}/server_info"))
        yield ask


HEADERS = {
    "strict-transport-security": "max-age=31536000",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
MUTATION = "mutation { setNuxSeen }"
QUERY = {"query": "{ version }"}


@pytest.mark.full
@needs_nginx
def test_the_proxy_refuses_strangers_foreign_pages_and_planted_links(proxy: Callable[..., httpx.Response]) -> None:
    assert proxy("GET", "/", login=False).status_code == 401
    assert proxy("GET", "/").status_code == 200
    assert proxy("GET", "/healthz", login=False).json().keys() >= {"dagster_version"}
    assert proxy("POST", "/graphql", json=QUERY).json()["data"]["version"]
    # Another page in the operator's own browser.
    assert proxy("POST", "/graphql", json=QUERY, headers={"Origin": "https://evil.example"}).status_code == 403
    assert proxy("POST", "/graphql", json=QUERY, headers={"Origin": "null"}).status_code == 403
    assert proxy("POST", "/graphql", json=QUERY, headers={"Origin": "http://alumina.example"}).status_code == 403
    assert proxy("POST", "/graphql", json=QUERY, headers={"Origin": "https://alumina.example"}).status_code == 200
    # A name that was bound to this address (DNS rebinding).
    assert proxy("GET", "/", host="evil.example").status_code == 421
    assert proxy("GET", "/", host="evil.example", login=False).status_code == 421
    assert proxy("GET", "/", host="evil.example", secure=False).status_code == 421
    # A link, an image, a plain form.
    assert proxy("GET", "/graphql", params={"query": MUTATION}).status_code == 405
    assert proxy("POST", "/graphql", data={"query": MUTATION}).status_code == 405
    assert proxy("POST", "/report_asset_materialization/a").status_code == 403


@pytest.mark.full
@needs_nginx
def test_the_proxy_speaks_tls_and_sends_its_headers_from_every_server(proxy: Callable[..., httpx.Response]) -> None:
    there = proxy("GET", "/runs", secure=False)
    assert (there.status_code, there.headers["location"]) == (301, "https://alumina.example/runs")
    for host, status in (("alumina.example", 200), ("view.alumina.example", 200), ("evil.example", 421)):
        for login in (True, False):
            answer = proxy("GET", "/", host, login=login)
            assert answer.status_code == (401 if status == 200 and not login else status)
            # As a list: said twice, a browser ignores some of them.
            assert {name: answer.headers.get_list(name) for name in HEADERS} == {name: [value] for name, value in HEADERS.items()}
            assert "frame-ancestors 'none'" in answer.headers.get_list("content-security-policy")
            assert re.fullmatch("nginx", answer.headers["server"])


@needs_nginx
def test_subscriptions_come_through_the_proxy_from_its_own_page_only(proxy: Callable[..., httpx.Response]) -> None:
    handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "graphql-ws"}
    handshake |= {"Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode()}
    assert proxy("GET", "/graphql", headers=handshake | {"Origin": "https://alumina.example"}).status_code == 101
    assert proxy("GET", "/graphql", headers=handshake | {"Origin": "https://evil.example"}).status_code == 403


@needs_nginx
def test_viewers_look_and_cannot_touch(proxy: Callable[..., httpx.Response]) -> None:
    host = "view.alumina.example"
    assert proxy("POST", "/graphql", host, json=QUERY).status_code == 200
    wipe = {"query": 'mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["a"]}}]) { __typename } }'}
    assert proxy("POST", "/graphql", host, json=wipe).json()["data"]["wipeAssets"]["__typename"] == "UnauthorizedError"
    assert proxy("POST", "/graphql", json=wipe).json()["data"]["wipeAssets"]["__typename"] == "AssetWipeSuccess"


@needs_nginx
def test_the_proxy_slows_down_who_asks_too_often(proxy: Callable[..., httpx.Response]) -> None:
    """The last of these tests: whoever comes after it is slowed down, too."""
    with ThreadPoolExecutor(16) as many:
        answers = list(many.map(lambda _: proxy("GET", "/", login=False).status_code, range(600)))
    assert set(answers) == {401, 429}
    assert answers.count(429) > 100


def test_the_sample_guards_every_server_block() -> None:
    blocks = re.findall(r"^server \{.*?^\}", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE | re.DOTALL)
    assert all("listen 127.0.0.1" in block and "add_header" not in block for block in blocks)
    served = [block for block in blocks if "proxy_pass" in block]
    assert len(served) == 2
    for block in served:
        assert all(
            rule in block for rule in (" ssl;", "$known_host = 0", "$known_origin = 0", "limit_req ", "auth_basic_user_file", "$plain_graphql")
        )
    assert ["return 421" in block for block in blocks if "default_server" in block] == [True, True]
    assert sorted(path.name for path in DEPLOY.iterdir()) == [
        "Containerfile", "compose.yaml", "dagster.yaml", "nginx.conf", "requirements-spark.txt", "start.sh", "systemd", "workspace.yaml",
    ]  # fmt: skip
