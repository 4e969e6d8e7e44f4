"""Alerts reach the file and the webhook; a webhook that could be anything but https or this machine is not called, and never named."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError
from pydantic import SecretStr

from ingest.lake import LakeError
from ingest.settings import Settings
from orchestration.instance.alerts import alert, cause, webhook_problem

HEARD: list[dict[str, str]] = []


class Listener(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        HEARD.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


@pytest.fixture
def webhook() -> Iterator[str]:
    HEARD.clear()
    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook/s3cret"
        server.shutdown()


def _settings(tmp_path: Path, address: str | None) -> Settings:
    return Settings(home=tmp_path, alert_webhook=SecretStr(address) if address else None)


def _notes(settings: Settings) -> list[dict[str, str]]:
    return [json.loads(line) for line in (settings.root / "alerts.jsonl").read_text().splitlines()]


def test_a_failure_is_told_once_in_file_and_webhook(tmp_path: Path, webhook: str) -> None:
    settings = _settings(tmp_path, webhook)
    for _ in range(2):
        alert(settings, "run_failed", "the disk is full", run_id="7", job="daily")
    assert [(note["kind"], note["message"], note["webhook"]) for note in _notes(settings)] == [("run_failed", "the disk is full", "sent")]
    assert [heard["text"] for heard in HEARD] == ["alumina: run_failed: the disk is full"]


def test_no_webhook_is_no_error(tmp_path: Path) -> None:
    settings = _settings(tmp_path, None)
    alert(settings, "run_failed", "x")
    assert _notes(settings)[0]["webhook"] == "none"


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/hook",
        "http://localhost.evil.example/hook",
        "http://127.0.0.1@evil.example/hook",
        "http://evil.example#@127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https://",
        "http://[::1",
        "",
    ],
)
def test_an_address_that_may_lead_anywhere_is_refused_and_not_repeated(tmp_path: Path, address: str) -> None:
    problem = webhook_problem(address)
    assert problem is not None
    assert "evil" not in problem
    settings = Settings(home=tmp_path, alert_webhook=SecretStr(address))
    alert(settings, "run_failed", "x")
    assert _notes(settings)[0]["webhook"] == f"refused: {problem}"


@pytest.mark.parametrize("address", ["https://hooks.example/T0/secret", "http://localhost:8080/x", "http://127.0.0.1/x", "http://[::1]:80/x"])
def test_https_and_this_machine_are_taken(address: str) -> None:
    assert webhook_problem(address) is None


def test_a_redirect_is_not_followed_and_the_secret_is_nowhere(tmp_path: Path, webhook: str, capfd: pytest.CaptureFixture[str]) -> None:
    moved = webhook.replace("/hook/s3cret", "/moved")
    alert(_settings(tmp_path, moved), "a", "x")
    alert(_settings(tmp_path, "http://127.0.0.1:9/s3cret"), "b", "x")
    settings = _settings(tmp_path, webhook)
    alert(settings, "c", "x")
    assert [note["webhook"] for note in _notes(settings)] == ["answered with status 302", "not reached: ConnectError", "sent"]
    said = capfd.readouterr()
    assert "s3cret" not in (settings.root / "alerts.jsonl").read_text() + said.out + said.err + repr(settings) + str(settings.model_dump())


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (LakeError("lake file x is missing"), "lake file x is missing"),
        (dg.Failure("dbt build failed: a: b", allow_retries=False), "dbt build failed: a: b"),
        (KeyError("value_found_unit"), "KeyError: 'value_found_unit'"),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (AssertionError(), "AssertionError"),
        (KeyboardInterrupt(), "the run was interrupted; run again"),
        (DagsterExecutionInterruptedError(), "the run was interrupted; run again"),
    ],
)
def test_a_failure_is_told_by_our_sentence_or_with_the_type_nobody_foresaw(error: BaseException, sentence: str, tmp_path: Path) -> None:
    @dg.op
    def fails() -> None:
        raise error

    @dg.job
    def failing() -> None:
        fails()

    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance:
        done = failing.execute_in_process(instance=instance, raise_on_error=False)
    assert [cause(event) for event in done.all_events if event.event_type_value == "STEP_FAILURE"] == [sentence]


def test_a_failure_told_of_by_two_at_once_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command and the sensor report the same run while the webhook takes its time."""
    posted: list[str] = []

    def slow(_: Settings, note: dict[str, str]) -> str:
        posted.append(note["run_id"])
        time.sleep(0.3)
        return "sent"

    monkeypatch.setattr("orchestration.instance.alerts._post", slow)
    pair = [threading.Thread(target=alert, args=(Settings(home=tmp_path), "run_failed", "why"), kwargs={"run_id": "one"}) for _ in range(2)]
    for one in pair:
        one.start()
    for one in pair:
        one.join()
    assert posted == ["one"]
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 1
