"""Two processes of one home ask a host no faster than one does, and what a killed one or a bad disk leaves holds nobody up."""

import itertools
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ingest.http import HttpClient, Pace
from ingest.settings import Settings
from ingest.source import Request
from ingest.turns import Turns
from orchestration.command import history
from orchestration.resources import Home, Intake, IntakeSource

HOST = "www.shfe.com.cn:443"
TAKING = """
import sys, time
from pathlib import Path
from ingest.turns import Turns
for _ in range(20):
    now = time.time()
    print(now + Turns(Path(sys.argv[1])).take(sys.argv[2], now, 0.5))
"""


def test_processes_take_turns(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TAKING, str(tmp_path), HOST]
    others = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    turns = sorted(float(line) for other in others for line in other.communicate()[0].split())
    assert len(turns) == 60
    assert min(later - before for before, later in itertools.pairwise(turns)) >= 0.499


def test_two_clients_of_one_home_keep_the_pace_of_one_and_other_hosts_and_homes_do_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, asked = [1_000.0], list[float]()

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    def answer(*_: object, **__: object) -> object:
        asked.append(clock[0])
        raise httpx.ConnectError("nobody there")

    def client(home: str) -> HttpClient:
        pace, turns = Pace(seconds_between=0.5, retry_after=()), Turns(tmp_path / home)
        return HttpClient(pace, sleep=sleep, clock=lambda: clock[0], now=lambda: datetime.fromtimestamp(clock[0], UTC), turns=turns)

    def ask(host: str) -> Request:
        return Request("shfe", "kx", "20250716", "kx20250716.dat", url=f"http://{host}/data")

    monkeypatch.setattr(HttpClient, "_once", answer)
    one, two = client("home"), client("home")
    for asking in (one, two, one, two):
        asking.fetch(ask(HOST))
    assert asked == [1_000.0, 1_000.5, 1_001.0, 1_001.5]
    two.fetch(ask("127.0.0.1"))
    client("other").fetch(ask(HOST))
    assert asked[4:] == [1_001.5, 1_001.5]


@pytest.mark.parametrize("body", [None, b"", b"rot", b"nan", b"inf", b"\xff\xfe", b"900", b"1061", b"1e300"])
def test_a_turn_that_was_lost_has_rotted_or_lies_far_ahead_is_none(tmp_path: Path, body: bytes | None) -> None:
    turns, (path,) = Turns(tmp_path), [tmp_path / "www.shfe.com.cn%3A443"]
    turns.take(HOST, 1_000.0, 0.5)
    path.unlink() if body is None else path.write_bytes(body)
    assert turns.take(HOST, 1_000.0, 0.5) == 0
    assert turns.take(HOST, 1_000.0, 0.5) == 0.5


def test_runs_and_backfills_of_a_home_share_its_turns(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    made = list[object]()

    class Made(Exception):
        pass

    def client(**of: object) -> None:
        made.append(of["turns"])
        raise Made

    for module in ("orchestration.resources", "orchestration.command.history"):
        monkeypatch.setattr(f"{module}.HttpClient", client)
    with pytest.raises(Made):
        Intake(source=IntakeSource.live).origin(Home(path=str(settings.root)))
    with pytest.raises(Made):
        history.ask(settings, None, 1, lambda _: None)  # type: ignore[arg-type]
    assert made == [Turns(settings.root / "turns")] * 2
