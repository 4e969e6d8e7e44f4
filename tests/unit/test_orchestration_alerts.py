"""Alerts reach the file and the webhook; a webhook that could be anything but https or this machine is not called, and never named."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError
from pydantic import SecretStr

from ingest.lake import LakeError
from ingest.settings import Settings
from orchestration.instance.addresses import chat_problems, webhook_problem
from orchestration.instance.alerts import Trouble, alert, cause, damaged, over, settle, standing

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

    monkeypatch.setattr("orchestration.instance.alerts.send_webhook", slow)
    pair = [threading.Thread(target=alert, args=(Settings(home=tmp_path), "run_failed", "why"), kwargs={"run_id": "one"}) for _ in range(2)]
    for one in pair:
        one.start()
    for one in pair:
        one.join()
    assert posted == ["one"]
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 1


def test_a_cause_is_told_when_it_begins_when_it_changes_and_when_it_is_over(tmp_path: Path, webhook: str) -> None:
    settings = _settings(tmp_path, webhook)
    blocked = {"feed:shfe/kx": Trouble("feed_failed", "a firewall page"), "rows:spot": Trouble("rows_refused", "2 rows")}
    for run in ("1", "2"):
        settle(settings, blocked, lambda _: True, run_id=run)
    assert [note["cause"] for note in standing(settings)] == ["feed:shfe/kx", "rows:spot"]
    settle(settings, {"feed:shfe/kx": Trouble("feed_failed", "no answer")}, lambda cause: cause.startswith("feed:"), run_id="3")
    settle(settings, {}, lambda _: True)
    over(settings, "feed:shfe/kx")
    told = [(note["cause"], note["state"], note["severity"], note["message"]) for note in _notes(settings)]
    assert told == [
        ("feed:shfe/kx", "open", "error", "a firewall page"), ("rows:spot", "open", "warning", "2 rows"),
        ("feed:shfe/kx", "open", "error", "no answer"),
        ("rows:spot", "over", "warning", "2 rows"), ("feed:shfe/kx", "over", "error", "no answer"),
    ]  # fmt: skip
    assert HEARD[-1]["text"] == "alumina: feed_failed is over: no answer"
    assert standing(settings) == []


def test_a_line_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    settings = _settings(tmp_path, None)
    alert(settings, "feed_failed", "x", cause="feed:a/b")
    with (tmp_path / "alerts.jsonl").open("a") as file:
        file.write("{torn\n")
    alert(settings, "feed_failed", "x", cause="feed:a/b")
    assert [note["cause"] for note in standing(settings)] == ["feed:a/b"]


def test_a_file_of_alerts_that_rots_keeps_neither_the_next_alert_nor_the_doctor(tmp_path: Path) -> None:
    settings = _settings(tmp_path, None)
    alert(settings, "feed_failed", "x", cause="feed:a/b")
    (line,) = (tmp_path / "alerts.jsonl").read_bytes().splitlines()
    lines = [bytes([*line[:place], line[place] ^ 1 << bit, *line[place + 1 :]]) for place in range(len(line)) for bit in (1, 3, 7)]
    (tmp_path / "alerts.jsonl").write_bytes(b"\n".join((line, *lines, b"")))
    for note in standing(settings):
        assert note["message"]
        assert datetime.fromisoformat(note["at"]) < datetime.now(UTC) + timedelta(days=40_000)
    alert(settings, "feed_failed", "y", cause="feed:a/b")
    over(settings, "feed:a/b")
    assert "feed:a/b" not in [note["cause"] for note in standing(settings)]


def test_every_flipped_bit_of_a_line_is_seen(tmp_path: Path) -> None:
    settings = _settings(tmp_path, None)
    alert(settings, "feed_failed", "2 rows", cause="feed:a/b")
    line = (tmp_path / "alerts.jsonl").read_bytes()
    for place in range(len(line) - 1):
        for bit in range(8):
            (tmp_path / "alerts.jsonl").write_bytes(bytes([*line[:place], line[place] ^ 1 << bit, *line[place + 1 :]]))
            assert damaged(settings)
            assert standing(settings) == []


def test_a_service_that_takes_html_gets_text_as_text(tmp_path: Path, webhook: str) -> None:
    here = f"{webhook.replace('http://', 'json://')}?format=html"
    alert(Settings(home=tmp_path, alert_urls=SecretStr(here)), "feed_failed", "<img src=//evil.example>")
    assert "&lt;img" in HEARD[-1]["message"]
    assert "<img" not in HEARD[-1]["message"]


def test_a_route_hears_of_what_it_asked_for(tmp_path: Path, webhook: str) -> None:
    """Chat systems of two routes, one for errors alone, beside the webhook that hears nothing."""
    here = webhook.replace("http://", "json://")
    urls = SecretStr(f"desk={here} {here}/all")
    settings = Settings(home=tmp_path, alert_webhook=SecretStr(webhook), alert_urls=urls)
    settings.catalog_overlay.mkdir(parents=True)
    kinds = "".join(f'[[alert]]\nkind = "{kind}"\nseverity = "{kind}"\nen = "x"\nzh = "x"\n' for kind in ("info", "warning", "error"))
    routes = "".join(f'[[route]]\nname = "{name}"\nleast = "{least}"\n' for name, least in (("desk", "error"), ("all", "warning")))
    (settings.catalog_overlay / "alerts.toml").write_text(kinds + routes)
    for kind in ("info", "warning", "error"):
        alert(settings, kind, f"of {kind}")
    notes = _notes(settings)
    assert [note.get("chat") for note in notes] == [None, "all 2: sent", "desk 1: sent; all 2: sent"]
    assert {note["webhook"] for note in notes} == {"does not hear of this"}
    assert [heard["message"] for heard in HEARD] == ["alumina: warning: of warning", *["alumina: error: of error"] * 2]
    assert "s3cret" not in (tmp_path / "alerts.jsonl").read_text()


def test_each_owner_hears_of_what_is_theirs_from_its_beginning_to_its_end(tmp_path: Path, webhook: str) -> None:
    """Owners of a source, of one feed and of a commodity, each with an address; who has no `about` hears of all."""
    here = webhook.replace("http://", "json://")
    owned = {"exchange": ["shfe"], "quotes": ["shfe/kx"], "tables": ["spot__quotes"], "alumina": ["AO"], "all": []}
    settings = Settings(home=tmp_path, alert_urls=SecretStr(" ".join(f"{name}={here}/{name}" for name in owned)))
    settings.catalog_overlay.mkdir(parents=True)
    kinds = "".join(f'[[alert]]\nkind = "{kind}"\nseverity = "error"\nen = "x"\nzh = "x"\n' for kind in ("feed_failed", "rows_refused", "outlook_rejected", "run_failed"))  # fmt: skip
    routes = "".join(f'[[route]]\nname = "{name}"\nleast = "error"\nabout = {about}\n' for name, about in owned.items())
    (settings.catalog_overlay / "alerts.toml").write_text(kinds + routes)
    found = {
        "feed:shfe/kx": Trouble("feed_failed", "blocked", ("shfe/kx",)),
        "feed:shfe/pm": Trouble("feed_failed", "blocked, too", ("shfe/pm",)),
        "rows:spot": Trouble("rows_refused", "3 of spot__quotes", ("spot", "spot__quotes")),
        "outlook:AO": Trouble("outlook_rejected", "no quotes", ("AO",)),
    }
    settle(settings, found, lambda _: True)
    alert(settings, "run_failed", "it stopped")
    settle(settings, {}, "feed:shfe/kx".__eq__)
    heard = [{said.split()[0] for said in note["chat"].split("; ")} for note in _notes(settings)]
    assert heard == [
        {"exchange", "quotes", "all"},
        {"exchange", "all"},
        {"tables", "all"},
        {"alumina", "all"},
        {"all"},
        {"exchange", "quotes", "all"},
    ]
    assert len(HEARD) == sum(map(len, heard))
    assert HEARD[-1]["message"] == "alumina: feed_failed is over: blocked"


def test_a_chat_system_is_not_followed_elsewhere(tmp_path: Path, webhook: str) -> None:
    address = webhook.replace("http://", "json://").replace("/hook/s3cret", "/moved")
    settings = Settings(home=tmp_path, alert_urls=SecretStr(address))
    alert(settings, "run_failed", "x")
    assert _notes(settings)[0]["chat"] == "all 1: not taken"
    assert len(HEARD) == 1


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("json://evil.example/s3cret", "must be a secure one"),
        ("mailto://user:s3cret@evil.example", "must be a secure one"),
        ("s3cret", "is no address that apprise knows"),
        ("nosuch://s3cret", "is no address that apprise knows"),
        ("dingtalk://s3crettoken", ""),
        ("wecombot://s3cret-key", ""),
        ("feishu://s3crettoken", ""),
        ("mailtos://user:s3cret@mail.example", ""),
        ("jsons://hooks.example/s3cret", ""),
    ],
)
def test_chat_systems_of_a_desk_are_known_and_insecure_ones_refused(tmp_path: Path, address: str, problem: str) -> None:
    (said,) = chat_problems(SecretStr(address)) or ("",)
    assert problem in said
    assert "s3cret" not in said
    if problem:
        settings = Settings(home=tmp_path, alert_urls=SecretStr(address))
        alert(settings, "run_failed", "x")
        assert problem in _notes(settings)[0]["chat"]
        assert "s3cret" not in (tmp_path / "alerts.jsonl").read_text()


@pytest.mark.parametrize(
    ("address", "service", "said"),
    [
        ("dingtalk://s3crettoken", "dingtalk.NotifyDingTalk", "msgtype"),
        ("wecombot://s3cret-key", "wecombot.NotifyWeComBot", "msgtype"),
        ("feishu://s3crettoken", "feishu.NotifyFeishu", "msg_type"),
    ],
)
def test_what_a_chat_system_hears_is_the_sentence(
    tmp_path: Path, webhook: str, monkeypatch: pytest.MonkeyPatch, address: str, service: str, said: str
) -> None:
    """The plugin of each, sent to a receiver on this machine instead of its own address."""
    where = webhook.replace("{", "")
    monkeypatch.setattr(f"apprise.plugins.{service}.notify_url", where)
    monkeypatch.setattr("apprise.plugins.wecombot.NotifyWeComBot.notify_url", where)
    alert(Settings(home=tmp_path, alert_urls=SecretStr(address)), "run_failed", "the disk is full")
    (heard,) = HEARD
    assert said in heard
    assert "the disk is full" in json.dumps(heard)
