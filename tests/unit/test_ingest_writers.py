"""Any number of writers: runs at once and an inbox drop, in processes of their own, leave what one of them alone would have left.

STRESS_ROUNDS says how often it is tried (2), STRESS_WRITERS by how many runs at once (3).
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest
from feeds import FEEDS, QUOTE_HEADER, Home, csv_file

from ingest.flow import ingest
from ingest.origins import FilesOrigin, ReplayOrigin
from ingest.settings import REPOSITORY, Settings
from ingest.sources import SOURCES
from orchestration.warehouse.load import load_raw
from tests.reliability.work import LINE, raw_content, write_payloads

ROUNDS, WRITERS = int(os.environ.get("STRESS_ROUNDS", "2")), int(os.environ.get("STRESS_WRITERS", "3"))
DAYS = [date(2025, 7, day) for day in range(14, 19)]
WORKER = """
import json, sys
from pathlib import Path
from ingest import flow
from ingest.archive import Archive
from ingest.dropped import take_in
from ingest.flow import ingest
from ingest.home import dedicate, open_home
from ingest.lake import Lake
from ingest.origins import FilesOrigin
from ingest.settings import Settings
from ingest.source import DataOrigin
from ingest.sources import SOURCES
from orchestration.warehouse.load import load_raw, write_lock

flow.FLUSH_PAYLOADS = 3  # several commits of each run
print("ready", flush=True)
for line in sys.stdin:
    home, payloads = json.loads(line)
    settings = Settings(home=Path(home), lock_wait_seconds=240)
    try:
        open_home(settings)
        dedicate(settings, DataOrigin.FILES)
        for source in SOURCES:
            if source.name not in ("shfe", "spot", "unread"):
                continue
            if payloads:
                ingest([source], FilesOrigin(Path(payloads), SOURCES), Archive(settings.archive), Lake(settings.lake), "run")
            else:
                take_in([source], SOURCES, settings, "run")
        with write_lock(settings, "loading"):
            load_raw(settings)
        print(json.dumps(""), flush=True)
    except Exception as error:
        print(json.dumps(f"{type(error).__name__}: {error}"), flush=True)
"""


@pytest.fixture(scope="module")
def payloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run takes in."""
    return write_payloads(tmp_path_factory.mktemp("payloads"), DAYS)


@pytest.fixture(scope="module")
def workers() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that wait to be told a home and a folder, and then all do the same to it; the last takes the inbox in."""
    with ExitStack() as stack:
        found = [
            stack.enter_context(
                subprocess.Popen([sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
            )
            for _ in range(WRITERS + 1)
        ]
        for worker in found:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        yield found
        for worker in found:
            assert worker.stdin is not None
            worker.stdin.close()


def drop(settings: Settings) -> None:
    settings.inbox.mkdir(parents=True)
    (settings.inbox / "smm_spot_price_20250721.csv").write_bytes(csv_file(LINE.format("2025-07-21", "2025-07-21"), header=QUOTE_HEADER))
    (settings.inbox / "smm_spot_price_20250714.csv").write_bytes(
        csv_file(LINE.format("2025-07-14", "2025-07-14"), LINE.format("2025-07-14", "soon"), header=QUOTE_HEADER)
    )
    for path in settings.inbox.iterdir():
        os.utime(path, (0, 0))  # nobody writes it any more


def test_runs_at_once_and_an_inbox_drop_leave_what_one_run_leaves(payloads: Path, workers: list[subprocess.Popen[str]], tmp_path: Path) -> None:
    alone = Home(Settings(home=tmp_path / "alone"))
    drop(alone.settings)
    for folder in (payloads, alone.settings.inbox):
        ingest(FEEDS, FilesOrigin(folder, SOURCES), alone.archive, alone.lake, "run")
    load_raw(alone.settings)
    golden = raw_content(alone.settings)
    for number in range(ROUNDS):
        home = Home(Settings(home=tmp_path / f"home-{number}"))
        drop(home.settings)
        for place, worker in enumerate(workers):
            assert worker.stdin is not None
            worker.stdin.write(json.dumps([str(home.settings.root), str(payloads) if place < WRITERS else ""]) + "\n")
            worker.stdin.flush()
        said = [json.loads(worker.stdout.readline()) for worker in workers if worker.stdout]
        assert said == [""] * len(workers), f"round {number}"
        assert (list(home.archive.faults()), list(home.lake.faults())) == ([], [])
        assert len(home.fetch_log()) == WRITERS * (2 * len(DAYS) + 1) + 2
        committed = [sha for batch in home.lake.batches() for sha in batch.payloads]
        assert len(committed) == len(set(committed)) == 2 * len(DAYS) + 1, "each payload is there once"
        load_raw(home.settings)
        assert raw_content(home.settings) == golden
        assert [path.name for path in home.settings.inbox.iterdir() if path.is_file()] == []
        home.lake.clear()
        ingest(FEEDS, ReplayOrigin(home.archive), home.archive, home.lake, "rebuild", record=False)
        load_raw(home.settings)
        assert raw_content(home.settings) == golden
        shutil.rmtree(home.settings.root)
