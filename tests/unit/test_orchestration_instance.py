"""Dagster's instance of a home is made by one process, however many start at once; one that cannot be opened is a sentence."""

import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import SensorInstigatorData

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


@pytest.mark.parametrize(("home", "shared"), [(0o2770, True), (0o755, False)])
def test_the_record_of_a_home_of_a_group_is_written_by_all_of_it(settings: Settings, home: int, shared: bool) -> None:
    settings.root.mkdir(parents=True)
    settings.root.chmod(home)
    with opened(settings) as instance:
        run = dg.DagsterRun("daily", run_id="0b9f3c4e-8d9c-4b8e-9b52-1b9f3c4e8d9c")
        instance.add_run(run)
        instance.report_engine_event("began", run)
    modes = {path.name: path.stat().st_mode & 0o060 for path in settings.dagster.rglob("*.db")}
    assert modes.keys() == {"runs.db", "index.db", "schedules.db", f"{run.run_id}.db"}
    assert {mode == 0o060 for mode in modes.values()} == {shared}
