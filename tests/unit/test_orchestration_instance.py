"""Dagster's instance of a home is made by one process, however many start at once; one that cannot be opened is a sentence."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import SensorInstigatorData

from ingest.home import open_home
from ingest.settings import Settings
from orchestration.command.run import run_job
from orchestration.instance.alerts import standing
from orchestration.instance.environment import InstanceError, opened
from orchestration.instance.switches import rotten, states, switch, switched_off

# The battery asks for more: ALUMINA_TEST_FIRST_STARTS=15x10 is 15 starts at once, ten times.
STARTS, ROUNDS = (int(number) for number in os.environ.get("ALUMINA_TEST_FIRST_STARTS", "4x1").split("x"))
# One process loads everything and splits: the starts meet where it matters, and the imports are paid once.
OPEN = """
import os, sys
import alembic.util, dagster, sqlalchemy
import orchestration.instance.event_log
from ingest.settings import Settings
from orchestration.instance.environment import opened

go, told = os.pipe()
children = []
for _ in range(int(sys.argv[1])):
    if (child := os.fork()) == 0:
        os.close(told)
        os.read(go, 1)
        with opened(Settings()) as instance:
            assert instance.get_runs() == []
            assert list(instance.all_instigator_state()) == []
        os._exit(0)
    children.append(child)
os.close(told)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


def _heads(settings: Settings) -> dict[str, list[str]]:
    found = {}
    for path in sorted(settings.dagster.rglob("*.db")):
        with sqlite3.connect(path) as con:
            found[path.name] = [head for (head,) in con.execute("select version_num from alembic_version")]
        con.close()
    return found


@pytest.mark.parametrize("number", range(ROUNDS))
def test_first_starts_at_once_leave_one_head(settings: Settings, number: int) -> None:
    environment = os.environ | {"ALUMINA_HOME": str(settings.root)}
    done = subprocess.run([sys.executable, "-c", OPEN, str(STARTS)], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    heads = _heads(settings)
    assert heads.keys() == {"runs.db", "index.db", "schedules.db"}
    # All three are made by one set of migrations, so the head is one and the same.
    assert len({tuple(found) for found in heads.values()}) == 1
    assert [found for found in heads.values() if len(found) != 1] == []


@pytest.fixture
def made(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY", "DAGSTER_EVENT_BATCH_SIZE", "DO_NOT_TRACK", "GX_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")  # put back afterwards
    with opened(settings):
        pass
    return settings


def _advice(settings: Settings) -> str:
    lost = "only that record and what `alumina schedule` switched are lost when it is moved aside"
    return f"{lost}: mv {settings.dagster} {settings.dagster}.broken"


def test_a_record_with_two_heads_says_how_to_go_on(made: Settings) -> None:
    with sqlite3.connect(made.dagster / "history" / "runs.db") as con:
        con.execute("insert into alembic_version values ('5771160a95ad')")
    con.close()
    with pytest.raises(InstanceError, match="more than one head") as told, opened(made):
        pass
    assert str(told.value).endswith(_advice(made))
    assert "\n" not in str(told.value)
    made.dagster.rename(f"{made.dagster}.broken")  # as it says
    with opened(made) as instance:
        assert instance.get_runs() == []


def test_a_record_that_has_rotted_says_how_to_go_on(made: Settings) -> None:
    (made.dagster / "history" / "runs.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(InstanceError, match="file is not a database") as told, opened(made):
        pass
    assert str(told.value).endswith(_advice(made))


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ('"__class__": "InstigatorState"', '"__class__": "InstigatorStatf"'),
        ('"__class__": "InstigatorState"', '"__clars__": "InstigatorState"'),
        ("InstigatorStatus.RUNNING", "InstigatorStatus.RUNNINF"),
        ('{"__class__"', '{"__class__\\'),
        ('"__class__": "InstigatorState"', b'"__class__": "InstigatorStat\xe5"'),
    ],
)
def test_a_line_of_the_record_that_has_rotted_is_a_sentence_when_it_is_read(made: Settings, was: str, now: str | bytes) -> None:
    schedule = dg.ScheduleDefinition(name="after_close", job_name="daily", cron_schedule="35 16 * * *")
    with opened(made) as instance:
        assert switch(instance, [schedule], datetime.now(UTC), on=True) == ["after_close"]
    with sqlite3.connect(made.dagster / "schedules" / "schedules.db") as con:
        ((body,),) = con.execute("select instigator_body from instigators").fetchall()
        rotten = body.encode().replace(was.encode(), now.encode() if isinstance(now, str) else now)
        assert rotten != body.encode()
        con.execute("update instigators set instigator_body = cast(? as text)", [rotten])
    con.close()
    with pytest.raises(InstanceError) as told, opened(made) as instance:
        states(instance, [schedule])
    assert str(told.value).startswith("the record of runs cannot be read (")
    assert str(told.value).endswith(_advice(made))


@pytest.mark.parametrize(
    ("table", "column", "was", "now"),
    [
        ("instigators", "instigator_body", '"after_close"', '"after_clnse"'),
        ("instigators", "instigator_body", '"cursor": "7"', '"cursor": "6"'),
        ("instigators", "status", "RUNNING", "RUNNINF"),
        ("instigators", "selector_id", None, "0123"),
        ("instigators", None, None, None),
        ("jobs", "job_body", '"after_close"', '"after_clnse"'),
        ("jobs", "status", "RUNNING", "RUNNINF"),
    ],
)
def test_a_switch_that_has_rotted_and_can_be_read_is_a_sentence_when_the_record_is_opened(
    made: Settings, table: str, column: str | None, was: str | None, now: str | None
) -> None:
    schedule = dg.ScheduleDefinition(name="after_close", job_name="daily", cron_schedule="35 16 * * *")
    sensor = dg.SensorDefinition(name="inbox", job_name="daily", evaluation_fn=lambda _: dg.SkipReason())
    with opened(made) as instance:
        assert rotten(instance) == ""
        switch(instance, [schedule, sensor], datetime.now(UTC), on=True)
        (state,) = (state for state in instance.all_instigator_state() if state.instigator_name == "inbox")
        instance.update_instigator_state(state.with_data(SensorInstigatorData(cursor="7")))
    with opened(made) as instance:  # as the daemon leaves it
        assert states(instance, [schedule, sensor]) == {"after_close": True, "inbox": True}
    with sqlite3.connect(made.dagster / "schedules" / "schedules.db") as con:
        if column is None:
            changed = con.execute(f"delete from {table} where id = 1")
        elif was is None:
            changed = con.execute(f"update {table} set {column} = ? where id = 1", [now])
        else:
            changed = con.execute(f"update {table} set {column} = replace({column}, ?, ?) where instr({column}, ?)", [was, now, was])
        assert changed.rowcount >= 1
    con.close()
    with pytest.raises(InstanceError, match=r"cannot be read \(the switch of .* is not as it was written\)") as told, opened(made):
        pass
    assert str(told.value).endswith(_advice(made))


def test_what_was_switched_off_is_named(made: Settings) -> None:
    schedule = dg.ScheduleDefinition(name="after_close", job_name="daily", cron_schedule="35 16 * * *")
    with opened(made) as instance:
        switch(instance, [schedule], datetime.now(UTC), on=True)
        assert switched_off(instance) == []
        switch(instance, [schedule], datetime.now(UTC), on=False)
        assert switched_off(instance) == ["after_close"]


def test_an_error_of_ours_is_not_taken_for_one_of_the_record(made: Settings) -> None:
    with pytest.raises(TypeError, match="ours"), opened(made):
        raise TypeError("ours")


def test_people_are_told_of_a_run_whose_record_cannot_be_used(made: Settings) -> None:
    (made.dagster / "history" / "runs.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(InstanceError, match="file is not a database"):
        run_job(made, {})
    (note,) = standing(made)
    assert (note["kind"], note["job"]) == ("run_failed", "daily")
    assert note["message"].endswith(_advice(made))


# Ends as a run does: a block that keeps what is printed, and a step at work in it.
STEP = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever started the tests may ignore both, and children inherit that
signal.signal(signal.SIGTERM, signal.SIG_DFL)
from ingest.settings import Settings
from orchestration.instance.environment import opened

with opened(Settings()) as instance:
    try:
        with instance.compute_log_manager.capture_logs(["run", "compute_logs", "step"]):
            (Settings().root / "at-work").touch()
            time.sleep(600)
    except KeyboardInterrupt:
        print("interrupted")
"""
KEEPERS = ("tail", "tail", "watch_orphans.py", "watch_orphans.py")


def _group(leader: int) -> dict[int, str]:
    """Give the other processes of a group by what they run."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):
            state, _, group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
            command = [Path(word).name for word in os.fsdecode((process / "cmdline").read_bytes()).split("\0")]  # others run on names of any bytes
            if int(group) == leader != int(process.name) and state != "Z":
                found[int(process.name)] = next((word for word in command if word in KEEPERS), command[0])
    return found


@pytest.mark.parametrize(("sent", "said"), [(signal.SIGINT, "interrupted\n"), (signal.SIGKILL, "")])
def test_who_ends_a_run_hears_nothing_of_the_processes_that_keep_its_logs_and_none_stays(settings: Settings, sent: signal.Signals, said: str) -> None:
    environment = os.environ | {"ALUMINA_HOME": str(settings.root)}
    run = subprocess.Popen(
        [sys.executable, "-c", STEP], env=environment, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        while tuple(sorted(_group(run.pid).values())) != KEEPERS or not (settings.root / "at-work").exists():
            assert run.poll() is None, run.communicate()
            time.sleep(0.1)
        os.killpg(run.pid, sent) if sent is signal.SIGINT else run.kill()
        assert run.communicate()[0] == said  # to the end: those who keep its logs hold the pipe, too
        while _group(run.pid):
            time.sleep(0.1)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(("home", "mode"), [(0o2770, 0o660), (0o755, 0o644)])
def test_every_file_of_the_record_of_a_home_of_a_group_is_written_by_all_of_it(settings: Settings, home: int, mode: int) -> None:
    settings.root.mkdir(parents=True)
    settings.root.chmod(home)
    open_home(settings)

    def modes() -> dict[str, int]:
        return {path.name: path.stat().st_mode & 0o777 for path in settings.dagster.rglob("*.db*")}

    with opened(settings) as instance:
        run = dg.DagsterRun("daily", run_id="0b9f3c4e-8d9c-4b8e-9b52-1b9f3c4e8d9c")
        instance.add_run(run)
        instance.report_engine_event("began", run)
        instance.report_runless_asset_event(dg.AssetMaterialization("a"))
        at_work = modes()  # a run that is killed leaves them so
    assert at_work.keys() >= {"runs.db", "index.db", "schedules.db", ".db", *(f"{run.run_id}.db{part}" for part in ("", "-wal", "-shm"))}
    assert set(at_work.values()) == {mode}
    # An older version left them to their owner.
    for path in settings.dagster.rglob("*.db"):
        path.chmod(0o644)
    with opened(settings):
        pass
    assert {found | 0o004 for found in modes().values()} == {mode | 0o004}
