"""What a run takes in, and where it works: what was asked for and may be, else what the home decides."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from ingest.home import dedicate
from ingest.origins import FilesOrigin, LiveOrigin, ReplayOrigin, SampleOrigin
from ingest.settings import DEFAULT_AGENT, Settings
from ingest.source import SHANGHAI, DataOrigin
from ingest.sources.fx import Fx
from orchestration.command import run
from orchestration.definitions import build_defs, defs
from orchestration.instance.alerts import cause
from orchestration.instance.environment import prepare
from orchestration.resources import Home, Intake, IntakeError
from orchestration.warehouse.dbt import PROJECT


@pytest.fixture
def place(settings: Settings) -> Home:
    return Home(path=str(settings.root))


def test_a_new_home_takes_the_sample(place: Home) -> None:
    assert isinstance(Intake().origin(place), SampleOrigin)


def test_a_new_home_with_something_in_its_inbox_takes_that(place: Home) -> None:
    place.settings.inbox.mkdir(parents=True)
    (place.settings.inbox / "events.csv").write_bytes(b"x")
    origin = Intake().origin(place)
    assert origin.data_origin is DataOrigin.FILES
    assert list(origin.deliveries([])) == []  # the inbox itself is taken beside it


def test_a_home_of_files_reads_no_folder_and_asks_nobody_unless_told(place: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALUMINA_PAYLOAD_ROOT", str(tmp_path))
    dedicate(place.settings, DataOrigin.FILES)
    origin = Intake().origin(place)
    assert isinstance(origin, FilesOrigin) and origin.folder is None
    told = Intake(source="files", payloads=str(tmp_path)).origin(place)
    assert isinstance(told, FilesOrigin) and told.folder == tmp_path
    assert isinstance(Intake(source="live").origin(place), LiveOrigin)


def test_a_home_of_live_data_looks_back_a_week_and_knows_the_deadlines(place: Home) -> None:
    dedicate(place.settings, DataOrigin.LIVE)
    origin = Intake(last="2025-07-22").origin(place)
    assert isinstance(origin, LiveOrigin)
    assert (origin.first, origin.last) == (date(2025, 7, 15), date(2025, 7, 22))
    place.settings.catalog_overlay.mkdir(parents=True)
    row = '[[clock]]\ndataset = "fx__central_parity"\nday_offset = 0\nearliest = "09:15"\nlatest = "10:00"\nlabel = "assumed"\nsource = "x"\n'
    (place.settings.catalog_overlay / "clock.toml").write_text(row)
    (request,) = Fx().requests(date(2025, 7, 16))
    moved = Intake(last="2025-07-22").origin(place)
    assert isinstance(moved, LiveOrigin)
    assert moved.deadlines.of(request) == datetime(2025, 7, 16, 10, tzinfo=SHANGHAI)


def test_a_live_run_calls_itself_what_the_operator_set(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Client:
        def __init__(self, agent: str, turns: object) -> None:
            asked.append(agent)
            self.fetch = None

    monkeypatch.setattr("orchestration.resources.HttpClient", Client)
    Intake(source="live").origin(place)
    monkeypatch.setenv("ALUMINA_USER_AGENT", "our desk")
    Intake(source="live").origin(place)
    assert asked == [DEFAULT_AGENT, "our desk"]


def test_the_archive_is_replayed_and_nonsense_refused(place: Home) -> None:
    assert isinstance(Intake(source="archive").origin(place), ReplayOrigin)
    for days in (0, 401):
        with pytest.raises(IntakeError, match=f"lookback_days is {days}; it must be 1 to 400"):
            Intake(lookback_days=days).origin(place)
    with pytest.raises(ValueError, match="the first day 2025-07-22 is after the last day 2025-07-01"):
        Intake(first="2025-07-22", last="2025-07-01").origin(place)


def test_a_calendar_that_cannot_be_read_fails_the_run_and_refuses_no_file(place: Home) -> None:
    """The file that cannot be read is the operator's calendar, not what was dropped."""
    overlay = place.settings.catalog_overlay
    overlay.mkdir(parents=True)
    (overlay / "calendar.toml").write_text("last_day = never")
    with pytest.raises(IntakeError, match="nothing is taken in without a calendar"):
        Intake(source="inbox").origin(place)
    (overlay / "calendar.toml").unlink()
    Intake(source="inbox").origin(place)


def test_a_home_whose_path_means_something_to_yaml_keeps_its_history_inside(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / '!ao: - "wing", {2}')
    prepare(settings)
    written = yaml.safe_load((settings.dagster / "dagster.yaml").read_text())
    assert written["event_log_storage"]["config"]["base_dir"] == str(settings.dagster / "history" / "runs")


def test_a_run_reads_payloads_in_the_inbox_or_below_the_folder_that_is_set(place: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reaches the UI chooses the folder, and what is taken in can be read in the release."""
    inbox, elsewhere = place.settings.inbox, tmp_path / "elsewhere"
    (inbox / "batch").mkdir(parents=True)
    (elsewhere / "batch").mkdir(parents=True)
    (inbox / "way-out").symlink_to(elsewhere)
    for folder in (elsewhere, inbox / "way-out", inbox / ".." / ".." / "elsewhere", Path("/etc")):
        with pytest.raises(IntakeError, match=f"{folder.resolve()} is not in {inbox}; set ALUMINA_PAYLOAD_ROOT"):
            Intake(source="files", payloads=str(folder)).origin(place)
    for folder in (inbox, inbox / "batch"):
        assert isinstance(Intake(source="files", payloads=str(folder)).origin(place), FilesOrigin)
    monkeypatch.setenv("ALUMINA_PAYLOAD_ROOT", str(elsewhere))
    assert isinstance(Intake(source="files", payloads=str(elsewhere / "batch")).origin(place), FilesOrigin)
    with pytest.raises(IntakeError, match="nor in"):
        Intake(source="files", payloads=str(tmp_path)).origin(place)


def test_the_command_line_allows_the_folder_it_is_given(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    class Stopped(Exception):
        pass

    @contextmanager
    def opened(_: Settings) -> Iterator[None]:
        asked.append({"root": Settings().payload_root})
        raise Stopped
        yield

    monkeypatch.setenv("ALUMINA_PAYLOAD_ROOT", "/srv/else")  # put back afterwards
    monkeypatch.setattr(run, "opened", opened)
    with pytest.raises(Stopped):
        run.run_job(settings, {"source": "files", "payloads": str(tmp_path)})
    assert asked == [{"root": tmp_path}]


def _executed(settings: Settings, config: dict[str, Any]) -> str:
    """Run a job of one asset that writes into its home, and give what the failure says; empty where it did not fail."""

    @dg.asset
    def writes(home: Home) -> None:
        home.settings.root.mkdir(parents=True, exist_ok=True)
        (home.settings.root / "written").touch()

    os.environ.update(prepare(settings))
    defs = build_defs(home=Home())
    resources = {"home": defs.resources["home"]}
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize([writes], resources=resources, run_config=config, instance=instance, raise_on_error=False)
    return "; ".join(cause(event) for event in done.all_events if event.is_failure)


def test_a_run_works_in_the_home_of_its_process_only(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in prepare(settings):
        monkeypatch.setenv(name, "")  # put back afterwards
    other = tmp_path / "other"
    said = _executed(settings, {"resources": {"home": {"config": {"path": str(other)}}}})
    assert said == f"this run was asked to work in {other}, and runs started here work in {settings.root} only; set ALUMINA_HOME instead"
    assert not other.exists()
    assert _executed(settings, {"resources": {"home": {"config": {"path": str(settings.root)}}}}) == ""
    assert (settings.root / "written").is_file()


def test_a_run_cannot_read_the_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure names what the run was told, and stands in the log and the alerts."""
    for name in prepare(settings):
        monkeypatch.setenv(name, "")  # put back afterwards
    monkeypatch.setenv("ALUMINA_TEST_SECRET", "hush")
    said = _executed(settings, {"resources": {"home": {"config": {"path": {"env": "ALUMINA_TEST_SECRET"}}}}})
    assert said == "the configuration of this run names an environment variable; write the value itself"


@pytest.mark.parametrize("job", ["daily", "arrivals_by_day", "arrivals_by_month", "as_of"])
def test_the_configuration_of_a_run_names_no_program_and_no_other_folder(job: str) -> None:
    """Whoever reaches the launchpad writes it: a name here that leads to a file or a program is a way in."""
    resources = defs.resolve_job_def(job).run_config_schema.run_config_schema_type.fields["resources"].config_type.fields
    taken = {name: sorted(getattr(field.config_type.fields["config"].config_type, "fields", ())) for name, field in resources.items()}
    assert taken == {"dbt": [], "home": ["path"], "intake": ["first", "last", "lookback_days", "payloads", "source"], "io_manager": []}
    dbt, handed_over = defs.resources["dbt"], defs.resources["io_manager"]
    with dg.build_resources({"dbt": dbt}, resource_config={"dbt": {"config": {"dbt_executable": "/bin/false", "project_dir": "/etc"}}}) as made:
        assert (made.dbt.project_dir, Path(made.dbt.dbt_executable).name) == (str(PROJECT), "alumina-dbt")
    assert handed_over is dg.mem_io_manager
