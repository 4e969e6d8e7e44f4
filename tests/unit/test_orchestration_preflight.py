"""What would stop a run is said by its first step, all of it, and the launchpad refuses what it can tell by itself."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.errors import DagsterInvalidConfigError

from ingest.settings import Settings
from orchestration.assets import preflight as page
from orchestration.assets.intake import lake_key
from orchestration.assets.preflight import preflight, problems
from orchestration.definitions import defs
from orchestration.resources import Home, Intake
from orchestration.warehouse.load import write_lock


@pytest.fixture
def home(settings: Settings) -> Home:
    return Home(path=str(settings.root))


def look(home: Home, intake: Intake, instance: dg.DagsterInstance | None = None) -> dg.ExecuteInProcessResult:
    return dg.materialize([preflight], resources={"home": home, "intake": intake}, raise_on_error=False, instance=instance)


def test_nothing_stops_a_new_home(home: Home) -> None:
    assert problems(home, Intake()) == []
    assert look(home, Intake()).success


def test_everything_that_would_stop_a_run_is_said_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.settings.root.mkdir(parents=True, exist_ok=True)
    with home.settings.warehouse.open("wb") as file:
        file.truncate(3 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**20))
    day, disk = problems(home, Intake(first="2025-7-22"))
    assert day == "'2025-7-22' is not a day; write it as 2025-07-22"
    assert disk.startswith("1 MB are free where the home lies, and a run writes about 3 MB; make room")
    ended = look(home, Intake(first="2025-7-22"))
    (failed,) = ended.get_step_failure_events()
    assert f"{day}; {disk}" in str(failed.event_specific_data.user_failure_data)


def test_something_else_under_the_name_of_the_link_stops_a_run_before_it_builds(home: Home) -> None:
    home.settings.serving.mkdir(parents=True)
    (sentence,) = problems(home, Intake())
    assert f"{home.settings.serving} is no link to a release" in sentence


@pytest.mark.parametrize(
    ("intake", "words"),
    [
        ({"first": "2025-07-22", "last": "2025-07-21"}, "the first day 2025-07-22 is after the last day 2025-07-21"),
        ({"lookback_days": 0}, "lookback_days is 0"),
        ({"source": "files", "payloads": "/etc"}, "set ALUMINA_PAYLOAD_ROOT"),
    ],
)
def test_an_intake_that_makes_no_sense_stops_before_anything_is_asked(home: Home, intake: dict[str, object], words: str) -> None:
    (sentence,) = problems(home, Intake(**intake))  # type: ignore[arg-type]
    assert words in sentence


def test_a_spoilt_calendar_and_half_a_lake_stop_a_run(home: Home) -> None:
    overlay = home.settings.catalog_overlay
    overlay.mkdir(parents=True)
    (overlay / "calendar.toml").write_text("last_day = never")
    (sentence,) = problems(home, Intake())
    assert "nothing is taken in without a calendar" in sentence
    (overlay / "calendar.toml").unlink()
    home.settings.rebuilding.write_text("{}")
    (sentence,) = problems(home, Intake())
    assert "alumina rebuild" in sentence
    assert problems(home, Intake(source="archive")) == []


def test_who_writes_is_said_and_waited_for(home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    home.settings.root.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(page, "is_free", lambda _: False)  # a lock of this process is free to it
    with write_lock(home.settings, "a rebuild"), dg.DagsterInstance.ephemeral() as instance:
        ended = look(home, Intake(), instance)
        assert ended.success
        said = [entry.user_message for entry in instance.all_logs(ended.run_id)]
    assert any(line.startswith("a rebuild (process ") and line.endswith("loading and building wait for it") for line in said)


def test_every_source_waits_for_the_first_look() -> None:
    graph = defs.resolve_asset_graph()
    assert graph.get(page.PREFLIGHT).child_keys >= {lake_key("shfe"), lake_key("catalog")}


def test_a_source_that_is_none_is_refused_before_there_is_a_run() -> None:
    job = defs.resolve_job_def("daily")
    with pytest.raises(DagsterInvalidConfigError, match="lve"):
        dg.validate_run_config(job, {"resources": {"intake": {"config": {"source": "lve"}}}})
    assert dg.validate_run_config(job, {"resources": {"intake": {"config": {"source": "live"}}}})
