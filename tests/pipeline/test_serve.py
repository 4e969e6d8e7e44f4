"""`alumina serve`: the release in a browser of this machine, read-only, behind the rules of the UI."""

import io
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from lxml import html
from starlette.testclient import TestClient

from ingest.settings import Settings
from orchestration.ui.guard import Guard, own_hosts
from orchestration.ui.reading import reading
from tests.local import local
from tests.pipeline.conftest import ALUMINA, Built, until

PORT = 3080
HERE = f"http://127.0.0.1:{PORT}"


@pytest.fixture(scope="module")
def client(sample: Built) -> TestClient:
    return TestClient(Guard(reading(Settings(home=sample.home)), own_hosts(PORT)), base_url=HERE)


def test_the_index_leads_to_every_day_and_to_the_files(client: TestClient, sample: Built) -> None:
    document = html.fromstring(client.get("/").text)
    links = document.xpath("//table[@id='days']//a/@href")
    (days,) = sample.published("select count(*) from (select distinct commodity_code, as_of_date from serving.outlook_v2)")
    assert len(links) == days[0]
    assert "note/AO-2025-07-22.html" in links
    assert {"files/alumina.duckdb", "files/note.html", "files/manifest.json"} <= set(document.xpath("//ul[@class='files']//a/@href"))


def test_the_page_of_any_day_is_that_of_the_command(client: TestClient) -> None:
    answer = client.get("/note/ao-2025-02-05.html")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    document = html.fromstring(answer.text)
    assert document.xpath("//time/@datetime")[0] == "2025-02-05"
    book = openpyxl.load_workbook(io.BytesIO(client.get("/note/LC-2025-07-22.xlsx").content))
    assert "指标 Figures" in book.sheetnames


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/note/AO-2025-07-20.html", 404, "no outlook for AO on 2025-07-20"),
        ("/note/CU-2025-07-22.html", 404, "no outlook for CU"),
        ("/note/AO-yesterday.html", 404, "'yesterday' is no day such as 2025-07-22"),
        ("/note/AO-2025-07-22.exe", 404, "a page is served as html or xlsx"),
        ("/files/../../home.json", 404, ""),
        ("/files/%2e%2e/%2e%2e/home.json", 404, "does not list"),
        ("/files/nothing.parquet", 404, "does not list"),
    ],
)
def test_what_is_not_there_is_one_sentence(client: TestClient, path: str, status: int, told: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert told in answer.text
    assert "Traceback" not in answer.text


def test_nothing_can_be_changed_and_no_other_page_may_ask(client: TestClient) -> None:
    assert client.post("/", json={}).status_code == 405
    assert client.post("/", content=b"a=b", headers={"content-type": "application/x-www-form-urlencoded"}).status_code == 415
    assert client.put("/").status_code == 405
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 421
    assert client.get("/", headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.get("/files/alumina.duckdb", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}).status_code == 403
    assert "frame-ancestors 'none'" in client.get("/").headers["content-security-policy"]


def test_without_a_release_it_says_so(tmp_path: Path) -> None:
    empty = TestClient(Guard(reading(Settings(home=tmp_path)), own_hosts(PORT)), base_url=HERE)
    answer = empty.get("/")
    assert answer.status_code == 503
    assert "nothing is published" in answer.text


@pytest.fixture
def served(sample: Built) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = os.environ | {"ALUMINA_HOME": str(sample.home)}
    with subprocess.Popen([str(ALUMINA), "serve", "--port", str(port)], env=environment, text=True, stderr=subprocess.PIPE) as process:
        until("the server", lambda: reached(port))
        yield port, process
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def reached(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_command_serves_on_loopback_alone_and_a_taken_port_is_one_sentence(served: tuple[int, subprocess.Popen[str]], sample: Built) -> None:
    port, _ = served
    assert "note/AO-2025-07-23.html" in local().get(f"http://127.0.0.1:{port}/").text
    listening = Path("/proc/net/tcp").read_text(encoding="ascii") if Path("/proc/net/tcp").exists() else ""
    assert f"00000000:{port:04X}" not in listening
    environment = os.environ | {"ALUMINA_HOME": str(sample.home)}
    second = subprocess.run([str(ALUMINA), "serve", "--port", str(port)], env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert second.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in second.stderr
