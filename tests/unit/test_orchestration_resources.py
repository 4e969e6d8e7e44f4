"""What a run takes in: what was asked for, else what the home decides."""

from datetime import date, datetime
from pathlib import Path

import pytest
import yaml

from ingest.home import claim
from ingest.origins import FilesOrigin, LiveOrigin, ReplayOrigin, SampleOrigin
from ingest.settings import DEFAULT_AGENT, Settings
from ingest.source import SHANGHAI, DataOrigin
from ingest.sources.fx import Fx
from orchestration.instance.environment import prepare
from orchestration.resources import Home, Intake, IntakeError


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


def test_a_home_of_files_reads_no_folder_and_asks_nobody_unless_told(place: Home, tmp_path: Path) -> None:
    claim(place.settings, DataOrigin.FILES)
    origin = Intake().origin(place)
    assert isinstance(origin, FilesOrigin) and origin.folder is None
    told = Intake(source="files", payloads=str(tmp_path)).origin(place)
    assert isinstance(told, FilesOrigin) and told.folder == tmp_path
    assert isinstance(Intake(source="live").origin(place), LiveOrigin)


def test_a_home_of_live_data_looks_back_a_week_and_knows_the_deadlines(place: Home) -> None:
    claim(place.settings, DataOrigin.LIVE)
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
        def __init__(self, agent: str) -> None:
            asked.append(agent)
            self.fetch = None

    monkeypatch.setattr("orchestration.resources.HttpClient", Client)
    Intake(source="live").origin(place)
    monkeypatch.setenv("ALUMINA_USER_AGENT", "our desk")
    Intake(source="live").origin(place)
    assert asked == [DEFAULT_AGENT, "our desk"]


def test_the_archive_is_replayed_and_nonsense_refused(place: Home) -> None:
    assert isinstance(Intake(source="archive").origin(place), ReplayOrigin)
    with pytest.raises(ValueError, match="'moon' is not one of sample, files, inbox, live, archive"):
        Intake(source="moon").origin(place)
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
    settings = Settings(home=tmp_path / 'ao #2: "wing"')
    prepare(settings)
    written = yaml.safe_load((settings.dagster / "dagster.yaml").read_text())
    assert written["event_log_storage"]["config"]["base_dir"] == str(settings.dagster / "history" / "runs")
