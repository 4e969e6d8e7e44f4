"""The warehouse in operation: runs from the UI's API, beside other readers and writers, and after a process was killed.

What a run shows is tested with the real models, what can happen to a run with few models (`small.py`).
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ingest.settings import REPOSITORY, Settings
from orchestration.assets.intake import lake_key
from orchestration.assets.publication import COMPLETE, KEY, gate_name
from orchestration.automation.sensors import died
from orchestration.instance import environment as instances
from orchestration.instance.alive import without_a_process
from orchestration.instance.attribution import REASON
from orchestration.resources import Home
from quality.gate import GATES
from tests.pipeline.conftest import ALUMINA, ASKED, HANGS, LAUNCH, SLICE, STATUS, Built, apart, ask_ui, content, copied, guarded, served_ui, until
from tests.pipeline.small import Small
from tests.reliability.kills import SCHEMAS, STAGES, held_for, kill


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, sixty_sessions: Built) -> Path:
    return copied(sixty_sessions.home, tmp_path_factory.mktemp("operations") / "home")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, small_house: Small) -> Small:
    return small_house.copied(tmp_path_factory.mktemp("small"))


def test_a_run_with_its_gate_and_the_doctor_keep_to_the_machine(sixty_sessions: Built, home: Path, tmp_path: Path) -> None:
    """That run had no network, where one can be taken away, so it needs none; and it did not ask for one."""
    assert "unshare" in sixty_sessions.run.args or apart() == ()
    of_the_run, calls = sixty_sessions.home.with_name("calls.txt"), tmp_path / "calls.txt"
    assert guarded(calls, home, str(ALUMINA), "doctor").returncode == 0
    for noted in (of_the_run, calls):
        assert not noted.exists(), noted.read_text()
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    assert "keeps to the machine" in guarded(calls, home, sys.executable, "-c", code).stderr
    assert "192.0.2.1" in calls.read_text()  # the guard itself works


@contextmanager
def instance_of(home: Path) -> Iterator[dg.DagsterInstance]:
    before = dict(os.environ)
    os.environ.update(instances.prepare(Settings(home=home)))
    with dg.DagsterInstance.get() as found:
        yield found
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with instance_of(home) as found:
        yield found


def test_every_check_of_the_run_is_visible(instance: Any, home: Path) -> None:
    run = instance.get_runs()[-1].run_id
    events = [entry.dagster_event.event_specific_data for entry in instance.all_logs(run) if entry.is_dagster_event and entry.dagster_event.event_type_value == "ASSET_CHECK_EVALUATION"]  # fmt: skip
    seen = {(event.asset_key.to_user_string(), event.check_name) for event in events}
    tests = [row for row in json.loads((home / "dbt" / "run_results.json").read_text())["results"] if row["unique_id"].startswith("test")]
    names = {name for _, name in seen}
    assert {row["unique_id"].split(".")[2] for row in tests} <= names
    assert {gate_name(table) for table in GATES} | {COMPLETE, "published_in_time"} == {name for key, name in seen if key == KEY.to_user_string()}
    assert ("lake/shfe", "rows_keep_their_model") in seen
    # Each speaks of what this run made, not of the table of the run before.
    targets = {(event.asset_key.to_user_string(), event.check_name): event.target_materialization_data for event in events}
    assert [name for name, target in targets.items() if target is None or target.run_id != run] == []


def test_a_run_of_the_command_line_is_on_the_timeline(instance: Any) -> None:
    """The UI's timeline shows the runs of its code location only."""
    (run,) = [run for run in instance.get_runs() if run.tags.get("alumina/cause") == "command line"][-1:]
    origin = run.remote_job_origin
    assert (origin.location_name, origin.repository_origin.repository_name, origin.job_name) == ("alumina", "__repository__", "daily")
    assert run.status.value == "SUCCESS"


def test_every_model_says_what_its_columns_are_made_of(instance: Any) -> None:
    from orchestration.assets.models import dbt_models

    made = {key: instance.get_latest_materialization_event(key).asset_materialization.metadata for key in dbt_models.keys}
    assert [key.to_user_string() for key, metadata in made.items() if "dagster/column_lineage" not in metadata] == []


def test_assets_say_what_they_hold(instance: Any) -> None:
    import dagster as dg

    def metadata(*path: str) -> dict[str, Any]:
        return dict(instance.get_latest_materialization_event(dg.AssetKey(path)).asset_materialization.metadata)

    receipts = metadata("marts", "fct_receipts_daily")
    assert receipts["dagster/row_count"].value > 100
    assert receipts["date_range"].value.startswith("2025-05-06 to 2025-07-23")
    described = {column.name: column.description for column in receipts["dagster/column_schema"].schema.columns}["receipts_t"]
    assert "[t] | " in described
    assert "from `int_receipts__daily.receipts_t`" in described
    assert [dep.asset_key.path for dep in receipts["dagster/column_lineage"].column_lineage.deps_by_column["receipts_t"]] == [["intermediate", "int_receipts__daily"]]  # fmt: skip
    assert receipts["preview"].value.count("\n") == 6
    assert "data:image/svg+xml;base64," in receipts["chart"].value
    assert "chart" in metadata("marts", "fct_basis_daily")
    assert metadata("raw", "shfe__daily_quotes")["dagster/row_count"].value > 1000
    assert metadata("lake", "shfe")["payload_sha256"].value.count("\n") > 10
    assert instance.get_materialized_partitions(dg.AssetKey(["arrivals", "shfe"])) >= {"2025-05-06", "2025-05-10", "2025-07-23"}


@pytest.fixture
def ui(small: Small) -> Iterator[Callable[..., dict[str, Any]]]:
    """`alumina ui` on a free port: webserver and daemon. Gives a way to ask its API."""
    with served_ui(small.home, small.root, small.environment) as port:
        yield partial(ask_ui, port)


def _launch(ask: Callable[..., dict[str, Any]], intake: dict[str, Any]) -> dict[str, Any]:
    selector = {"repositoryLocationName": "alumina", "repositoryName": "__repository__", "pipelineName": "daily"}
    return dict(
        ask(LAUNCH, parameters={"selector": selector, "runConfigData": {"resources": {"intake": {"config": intake}}}})["launchPipelineExecution"]
    )


@pytest.mark.full
def test_the_daily_job_is_launched_from_the_ui_with_readers_and_a_second_writer_about(small: Small, ui: Callable[..., dict[str, Any]]) -> None:
    home = small.home
    published = duckdb.connect(str((home / "serving" / "alumina.duckdb").resolve()), read_only=True)
    rows = published.execute("select count(*) from serving.outlook").fetchall()
    before = os.readlink(home / "serving")

    wrong = _launch(ui, {"lookback_day": 3})
    assert wrong["__typename"] == "RunConfigValidationInvalid"
    assert 'Received unexpected config entry "lookback_day"' in wrong["errors"][0]["message"]

    launched = _launch(ui, {"first": SLICE[1], "last": SLICE[3]})
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]
    holder = home / "warehouse.holder.json"
    until("dbt", lambda: held_for(holder).startswith("dbt build"))
    second = small.run("rollback", ALUMINA_LOCK_WAIT_SECONDS="0.1")
    assert second.returncode == 1
    assert "is being written by" in second.stderr
    assert run_id in second.stderr
    assert "Traceback" not in second.stderr

    until("the end of the run", lambda: ui(STATUS, id=run_id)["runOrError"]["status"] in ("SUCCESS", "FAILURE"), every=ASKED)
    assert ui(STATUS, id=run_id)["runOrError"]["status"] == "SUCCESS"
    assert os.readlink(home / "serving") != before
    assert published.execute("select count(*) from serving.outlook").fetchall() == rows  # an old reader keeps the old release
    published.close()

    assert "not in enum type IntakeSource got moon" in _launch(ui, {"source": "moon"})["errors"][0]["message"]
    refused = _launch(ui, {"first": "22 July"})
    failed = refused["run"]["runId"]
    until("the failure", lambda: ui(STATUS, id=failed)["runOrError"]["status"] == "FAILURE", every=ASKED)
    alerts = home / "alerts.jsonl"
    told = until("the alert", lambda: alerts.is_file() and [line for line in alerts.read_text().splitlines() if failed in line])
    sentence = "'22 July' is not a day; write it as 2025-07-22"
    assert sentence in told[0]
    with instance_of(home) as instance:
        assert instance.get_run_by_id(failed).tags[REASON] == sentence
        steps = [event.step_key for event in instance.all_logs(failed, of_type=dg.DagsterEventType.STEP_FAILURE)]
        assert steps == ["preflight"]
        checks = [dg.AssetCheckKey(lake_key("shfe"), "payloads_arrived"), dg.AssetCheckKey(KEY, COMPLETE)]
        known = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
        assert [known[key].run_id for key in checks] == [run_id, run_id]  # not reached, so not judged anew
    assert os.readlink(home / "serving") != before


@pytest.mark.full
def test_runs_killed_at_any_stage_heal_on_the_next_two_which_follow_each_other_and_change_nothing_but_the_log(small: Small) -> None:
    """Each run must first get over what the one before it left. Only the run itself is killed: a dbt left behind would go on writing."""
    home = small.home
    before = {schema: content(home, schema) for schema in SCHEMAS}
    release = os.readlink(home / "serving")
    for moment in STAGES:
        assert kill(small, moment, *SLICE), f"the run ended before {moment}"
        assert os.readlink(home / "serving") == release
    with instance_of(home) as instance:
        _bury(instance, home)
    pair = [small.start("run", *SLICE) for _ in range(2)]
    ended = [(*process.communicate(timeout=HANGS), process.returncode) for process in pair]
    # One of the two may find that the other loaded rows after it had built: it leaves publishing to the other, and says so.
    assert 0 in [code for *_, code in ended], ended
    for out, err, code in ended:
        assert "Traceback" not in out + err
        assert code == 0 or "that run publishes them when it is through" in err, err
    assert {schema: content(home, schema) for schema in SCHEMAS} == before
    assert os.readlink(home / "serving") != release
    assert not list((home / "releases").glob(".building-*"))


def _bury(instance: dg.DagsterInstance, home: Path) -> None:
    """Let the sensor find the four dead runs and say that they failed."""
    # One run at a time: a dead one that is taken for one at work would let nothing start any more.
    settings = Settings(home=home)
    dead = without_a_process(instance, settings)
    assert len(dead) == 4
    cursor: str | None = None
    for _ in range(2):
        with dg.build_sensor_context(instance=instance, cursor=cursor, resources={"home": Home(path=str(home))}) as context:
            cursor = died(context).cursor
    assert {instance.get_run_by_id(run.run_id).status for run in dead} == {dg.DagsterRunStatus.FAILURE}
    assert without_a_process(instance, settings) == []


def test_dagster_finds_the_definitions_in_order() -> None:
    """What `dg check defs` asks, without the package that brings the client of a cloud service along; every warning is an error."""
    asked = "import dagster as dg; from orchestration.definitions import defs; dg.Definitions.validate_loadable(defs)"
    done = subprocess.run([sys.executable, "-W", "error::FutureWarning", "-c", asked], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
