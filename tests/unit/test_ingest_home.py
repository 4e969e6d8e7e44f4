"""One home holds the sample or real data, never both; every path lies below it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from ingest.home import MixedHomeError, dedicate, origin_of, source_of
from ingest.settings import REPOSITORY, Settings
from ingest.source import DataOrigin


def test_a_new_home_belongs_to_nobody(settings: Settings) -> None:
    assert origin_of(settings) is None


@pytest.mark.parametrize("origin", [DataOrigin.SAMPLE, DataOrigin.FILES, DataOrigin.LIVE])
def test_the_first_data_claims_the_home_and_may_come_again(settings: Settings, origin: DataOrigin) -> None:
    dedicate(settings, origin)
    before = (settings.root / "home.json").read_bytes()
    dedicate(settings, origin)
    assert origin_of(settings) is origin
    assert (settings.root / "home.json").read_bytes() == before


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (DataOrigin.SAMPLE, DataOrigin.FILES),
        (DataOrigin.SAMPLE, DataOrigin.LIVE),
        (DataOrigin.FILES, DataOrigin.SAMPLE),
        (DataOrigin.LIVE, DataOrigin.SAMPLE),
    ],
)
def test_sample_and_real_data_do_not_mix_and_the_sentence_says_what_to_do(settings: Settings, first: DataOrigin, second: DataOrigin) -> None:
    dedicate(settings, first)
    with pytest.raises(MixedHomeError) as caught:
        dedicate(settings, second)
    assert str(caught.value) == f"the home {settings.root} holds {first} data and cannot take {second} data; set ALUMINA_HOME to another folder"
    assert origin_of(settings) is first


@pytest.mark.parametrize(("first", "second"), [(DataOrigin.FILES, DataOrigin.LIVE), (DataOrigin.LIVE, DataOrigin.FILES)])
def test_files_and_live_data_share_a_home(settings: Settings, first: DataOrigin, second: DataOrigin) -> None:
    dedicate(settings, first)
    dedicate(settings, second)
    assert origin_of(settings) is first


@pytest.mark.parametrize(
    ("inbox", "expected"),
    [
        (None, DataOrigin.SAMPLE),
        ((), DataOrigin.SAMPLE),
        ((".gitkeep",), DataOrigin.SAMPLE),
        (("smm_spot_price_20250716.csv",), DataOrigin.FILES),
        (("still-copying.csv.part",), DataOrigin.FILES),  # the home must not become the sample's while the first file arrives
        (("a-folder/",), DataOrigin.FILES),
    ],
)
def test_a_new_home_takes_its_inbox_and_else_the_sample(settings: Settings, inbox: tuple[str, ...] | None, expected: DataOrigin) -> None:
    for name in inbox or ():
        path = settings.inbox / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(b"x")
    if inbox == ():
        settings.inbox.mkdir(parents=True)
    assert source_of(settings) is expected


@pytest.mark.parametrize("held", [DataOrigin.SAMPLE, DataOrigin.FILES, DataOrigin.LIVE])
def test_a_home_goes_on_with_what_it_holds_whatever_lies_in_its_inbox(settings: Settings, held: DataOrigin) -> None:
    dedicate(settings, held)
    settings.inbox.mkdir()
    (settings.inbox / "events.csv").write_bytes(b"x")
    assert source_of(settings) is held


def test_the_home_comes_from_the_environment_and_every_path_lies_below_it(tmp_path: Path, settings: Settings) -> None:
    assert settings.root == tmp_path / "home"
    paths = [
        settings.archive,
        settings.lake,
        settings.catalog_overlay,
        settings.warehouse,
        settings.releases,
        settings.serving,
        settings.status,
        settings.rejected,
        settings.dagster,
    ]
    assert all(path.parent == settings.root for path in paths)
    assert len(set(paths)) == len(paths)


def test_without_an_environment_the_home_is_a_folder_of_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALUMINA_HOME")
    assert Settings().root == REPOSITORY / ".alumina"


@pytest.mark.parametrize("value", ["2025-07-22T15:05:00+08:00", "yesterday"])
def test_a_look_back_is_asked_for_by_the_caller_and_never_by_the_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ALUMINA_AS_OF", value)
    monkeypatch.setenv("ALUMINA_RELEASES_KEPT", "3")
    assert (Settings().as_of, Settings().workshop, Settings().releases_kept) == (None, settings.root, 3)
    then = datetime(2025, 7, 22, 15, 5, tzinfo=UTC)
    assert Settings(as_of=then).as_of == settings.model_copy(update={"as_of": then}).as_of == then
    assert Settings(as_of=then).workshop == settings.root / "as_of" / "2025-07-22T1505+0000"


def test_a_home_may_be_written_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings(home=Path("~/warehouse")).root == tmp_path / "warehouse"


@pytest.mark.parametrize(
    ("name", "value"), [("MEMORY_LIMIT", "lots"), ("MEMORY_LIMIT", "4GB'; drop"), ("RELEASES_KEPT", "1"), ("LOCK_WAIT_SECONDS", "-1")]
)
def test_a_setting_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ALUMINA_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()
