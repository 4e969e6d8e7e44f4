"""A home whose folder its group may write is written by everybody in the group, and by nobody else; who may read it reads it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingest import home as home_module
from ingest.settings import Settings
from ingest.source import HomeError
from orchestration.command.cli import app
from orchestration.home import releases as releases_module

GROUP, OLGA, PIM, EVE = 61000, 61001, 61002, 61003
# Forked before anything is read: the interpreter need not lie where other users can reach it.
FORK = """
import os, sys, traceback

def become(user, group, do, *told):
    if (child := os.fork()) == 0:
        os.setgroups([group] if group else [])
        os.setgid(user)
        os.setuid(user)
        try:
            do(*told)
        except BaseException as error:
            traceback.print_exc()
            print(type(error).__name__)
            sys.stdout.flush()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
SCRIPT = (
    FORK
    + """
from pathlib import Path
from filelock import FileLock
from ingest.archive import Archive
from ingest.home import dedicate, open_home
from ingest.settings import Settings
from ingest.source import DataOrigin
from serving.seal import remove, seal
import orchestration.instance.alerts as alerts
from ingest.catalog.documents import catalog_files
from serving.publish.served import listed
from serving.read import connect
from orchestration.home import releases

def write(settings, name):
    open_home(settings)
    dedicate(settings, DataOrigin.FILES)
    Archive(settings.archive).put(name.encode())
    with FileLock(settings.root / "warehouse.lock", timeout=5):
        alerts.alert(settings, "held", f"people are held by {name}")
    folder = settings.releases / name
    (folder / "data_docs").mkdir(parents=True)
    (folder / "alumina.duckdb").write_bytes(name.encode())
    seal(folder, name)

def hold(settings, name):
    settings.serving.symlink_to(f"releases/{name}") if not settings.serving.is_symlink() else None
    releases.hold(settings, name)

def let_go(settings, name):
    assert releases.let_go(settings) == name

def retire(settings, name):
    open_home(settings)
    remove(settings.releases / name)
    assert not (settings.releases / name).exists(), name

def read(settings, name):
    assert (settings.releases / name / "alumina.duckdb").read_bytes() == name.encode()

def look(settings, name):
    {
        "releases": lambda: listed(settings),
        "releases/olga": lambda: connect(settings).__enter__(),
        "archive/receipts": lambda: list(Archive(settings.archive).fetch_log()),
        "catalog": lambda: list(catalog_files(settings.catalog_overlay)),
    }[name]()

user, group, what, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
sys.exit(become(user, group, globals()[what], Settings(), name))
"""
)
# Pim's runs die in the middle, and the daemon of Olga marks them.
RUNS = (
    FORK
    + """
import json
from pathlib import Path
import dagster as dg
from ingest.home import open_home
from ingest.settings import Settings
from orchestration.automation.sensors import died
from orchestration.instance.alerts import standing
from orchestration.instance.environment import opened
from orchestration.resources import Home

settings, (group, olga, pim) = Settings(), map(int, sys.argv[1:])
files = settings.dagster / "history" / "runs"

def die(run_id):
    open_home(settings)
    with opened(settings) as instance:
        run = instance.add_run(dg.DagsterRun("daily", run_id=run_id, status=dg.DagsterRunStatus.STARTED))
        instance.report_engine_event("began", run)
        instance.report_runless_asset_event(dg.AssetMaterialization("a"))
        os._exit(9)

def look():
    open_home(settings)
    with opened(settings) as instance:
        cursor = None
        for _ in range(2):
            with dg.build_sensor_context(instance=instance, cursor=cursor, resources={"home": Home(path=str(settings.root))}) as context:
                cursor = getattr(died(context), "cursor", None)
        states = {run.run_id: run.status.value for run in instance.get_runs()}
    (settings.root / "seen.json").write_text(json.dumps([states, [note["message"] for note in standing(settings)]]))

def seen():
    assert become(olga, group, look) == 0
    print((settings.root / "seen.json").read_text())

assert [become(pim, group, die, name) for name in ("older", "one")] == [9, 9]
print(json.dumps({path.name: oct(path.stat().st_mode & 0o777) for path in settings.dagster.rglob("*.db*")}))
for mode in (0o644, 0o664):
    for path in files.glob("older.db*"):
        path.chmod(mode)
    seen()
"""
)


@pytest.fixture
def shared() -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to be several users")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    home = folder / "home"
    home.mkdir()
    os.chown(home, OLGA, GROUP)
    home.chmod(0o2775)
    yield home
    shutil.rmtree(folder, ignore_errors=True)


def _as(user: int, what: str, name: str, home: Path, group: int = GROUP, umask: int = 0o022) -> str:
    command = [sys.executable, "-c", SCRIPT, str(user), str(group), what, name]
    done = subprocess.run(command, env=os.environ | {"ALUMINA_HOME": str(home)}, capture_output=True, text=True, check=False, umask=umask)
    return done.stdout.strip() or done.stderr.strip() if done.returncode else ""


def test_two_of_a_group_write_one_home_and_retire_each_others_releases(shared: Path) -> None:
    assert _as(OLGA, "write", "olga", shared) == ""
    assert _as(PIM, "write", "pim", shared) == ""
    assert _as(OLGA, "write", "olga-again", shared) == ""
    assert _as(PIM, "retire", "olga", shared) == ""
    assert {path.stat().st_gid for path in shared.rglob("*")} == {GROUP}


def test_who_holds_people_at_a_release_locks_nobody_of_the_group_out_whatever_the_umask(shared: Path) -> None:
    shared.chmod(0o2770)
    assert _as(OLGA, "write", "olga", shared, umask=0o077) == ""
    for one, other in ((OLGA, PIM), (PIM, OLGA)):
        assert _as(one, "hold", "olga", shared, umask=0o077) == ""
        assert _as(other, "let_go", "olga", shared, umask=0o077) == ""
    (shared / "held.json").unlink(missing_ok=True)
    assert [path for path in shared.rglob("*") if "releases" not in path.parts and not path.is_symlink() and not path.stat().st_mode & 0o020] == []


class OpenedError(HomeError):
    """The home was opened."""


@pytest.mark.parametrize(
    "command",
    [
        "run", "rebuild", "backup x", "rollback", "releases hold", "releases let-go", "releases prune --keep 1", "review accept x --reason y", "fit",
        "whatif fx=+1", "audit note.txt", "note", "inbox map x.csv", "purge smm", "schedule on", "tidy", "upgrade", "ui",
    ],
)  # fmt: skip
def test_every_command_that_writes_a_home_opens_it_first(command: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    (settings.archive / "receipts").mkdir(parents=True)

    def opened(_: Settings) -> None:
        raise OpenedError

    for module in (home_module, releases_module):
        monkeypatch.setattr(module, "open_home", opened)
    monkeypatch.setenv("ALUMINA_HOME", str(settings.root))
    assert isinstance(CliRunner().invoke(app, command.split()).exception, OpenedError)
    assert not (settings.root / "warehouse.lock").exists()


def test_others_read_what_the_folder_lets_them_and_write_nothing(shared: Path) -> None:
    assert _as(OLGA, "write", "olga", shared) == ""
    assert _as(EVE, "read", "olga", shared, group=0) == ""
    assert _as(EVE, "write", "eve", shared, group=0) == "PermissionError"
    assert _as(EVE, "retire", "olga", shared, group=0) == "AssertionError"
    shared.chmod(0o2770)
    assert _as(OLGA, "write", "closed", shared) == ""
    assert (shared / "releases" / "closed").stat().st_mode & 0o020
    assert _as(EVE, "read", "olga", shared, group=0) == "PermissionError"


@pytest.mark.parametrize(
    ("folder", "said"),
    [("releases", "PermissionError"), ("releases/olga", "UnreadableError"), ("archive/receipts", "PermissionError"), ("catalog", "PermissionError")],
)
def test_a_folder_that_may_not_be_read_is_no_empty_one(shared: Path, folder: str, said: str) -> None:
    assert _as(OLGA, "write", "olga", shared) == ""
    (shared / "serving").symlink_to("releases/olga")
    (shared / folder).mkdir(parents=True, exist_ok=True)
    (shared / folder).chmod(0o700)
    assert _as(EVE, "look", folder, shared, group=0) == said


def test_a_home_of_one_person_stays_so(shared: Path) -> None:
    shared.chmod(0o755)
    assert _as(OLGA, "write", "olga", shared) == ""
    assert [path for path in shared.rglob("*") if path.stat().st_mode & 0o020] == []


def test_a_run_that_dies_leaves_a_record_that_all_of_the_group_may_write(shared: Path) -> None:
    command = [sys.executable, "-c", RUNS, *map(str, (GROUP, OLGA, PIM))]
    done = subprocess.run(command, env=os.environ | {"ALUMINA_HOME": str(shared)}, capture_output=True, text=True, check=False, umask=0o022)
    assert done.returncode == 0, done.stderr
    modes, with_older, mended = map(json.loads, done.stdout.splitlines())
    assert modes.keys() >= {"runs.db", "schedules.db", "index.db", "older.db", "one.db", "one.db-wal", "one.db-shm", ".db"}
    assert set(modes.values()) == {"0o664"}
    # One that an older version left to its owner is named, and keeps nobody from marking the others.
    states, told = with_older
    assert states == {"older": "STARTED", "one": "FAILURE"}
    assert [message for message in told if str(shared / "dagster" / "history" / "runs" / "older.db") in message and "readonly" in message] != []
    states, told = mended
    assert states == {"older": "FAILURE", "one": "FAILURE"}
    assert [message for message in told if "older.db" in message] == []
